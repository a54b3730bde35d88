// TURN and STUN servers, which LiveKit names in its answer to a join: too late for an offer that came with the join. So the
// first join to a server asks before it offers, and what it learns decides how the next ones go.

import type { ICEServer } from "@livekit/protocol";
import type { RelayNames } from "./relay-names.js";

/** A TURN server, and how to reach it. */
export interface Relay {
  readonly host: string;
  readonly port: number;
  readonly transport: "udp" | "tcp" | "tls";
  readonly username: string;
  readonly credential: string;
}

export interface LocatedRelay extends Relay {
  readonly address: string;
}

/** Servers are few; this keeps a caller who invents names from filling the memory. */
const REMEMBERED_MAX = 1000;

export class IceServerMemory {
  readonly #names: RelayNames;
  readonly #relays = new Map<string, boolean>();

  constructor(names: RelayNames) {
    this.#names = names;
  }

  /** Whether a join may come with its offer: the server is known to need no relay. */
  mayOfferAtOnce(origin: string): boolean {
    return this.#relays.get(origin) === false;
  }

  /** Returns what a transport should use. */
  learn(origin: string, named: readonly ICEServer[]): Relay[] {
    const relays = chooseRelays(named);
    if (!this.#relays.has(origin) && this.#relays.size >= REMEMBERED_MAX) this.#relays.clear();
    this.#relays.set(origin, relays.length > 0);
    return relays;
  }

  /** Those whose addresses are known in time. Never rejects. */
  async locate(relays: readonly Relay[]): Promise<LocatedRelay[]> {
    const addresses = await Promise.all(relays.map(({ host }) => this.#names.address(host)));
    return relays.flatMap((relay, index) => {
      const address = addresses[index];
      return address === undefined ? [] : [{ ...relay, address }];
    });
  }
}

const TURN = /^(turns?):(\[[^\]]+\]|[^:?]+)(?::(\d+))?(?:\?transport=(\w+))?$/i;
const PORTS = { turn: 3478, turns: 5349 } as const;
/** The library asks no more of them. */
const RELAYS_MAX = 2;

/**
 * One over UDP and one over TLS, or TCP, when there are both: what one firewall keeps back the other lets through. STUN gains nothing
 * here: the server is reachable, and sees our address for itself.
 */
function chooseRelays(named: readonly ICEServer[]): Relay[] {
  const relays = named.flatMap(({ urls, username, credential }) =>
    urls.flatMap((url) => {
      const way = readTurnUrl(url);
      return way ? [{ ...way, username, credential }] : [];
    }),
  );
  const over = (wanted: Relay["transport"]) => relays.filter(({ transport }) => transport === wanted);
  const streams = [...over("tls"), ...over("tcp")];
  const datagrams = over("udp").slice(0, streams.length > 0 ? 1 : RELAYS_MAX);
  return [...datagrams, ...streams].slice(0, RELAYS_MAX);
}

/** One that can be connected to. Servers may name anything. */
export function isPort(port: number): boolean {
  return port > 0 && port <= 65_535;
}

function readTurnUrl(url: string): Pick<Relay, "host" | "port" | "transport"> | undefined {
  const [, scheme, name, port, asked] = TURN.exec(url) ?? [];
  if (scheme === undefined || name === undefined) return undefined;
  const isSecure = scheme.toLowerCase() === "turns";
  const transport = asked?.toLowerCase() ?? (isSecure ? "tcp" : "udp");
  const at = { host: name.replace(/^\[|\]$/g, ""), port: Number(port ?? (isSecure ? PORTS.turns : PORTS.turn)) };
  if (!isPort(at.port)) return undefined;
  if (transport === "tcp") return { ...at, transport: isSecure ? "tls" : "tcp" };
  // There is no DTLS to relays.
  return transport === "udp" && !isSecure ? { ...at, transport } : undefined;
}
