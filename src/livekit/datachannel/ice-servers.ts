// TURN and STUN servers, which LiveKit names in its answer to a join: too late for an offer that came with the join. So the
// first join to a server asks before it offers, and what it learns decides how the next ones go.

import type { ICEServer } from "@livekit/protocol";
import type { IceServer } from "node-datachannel";

type NativeIceServers = (string | IceServer)[];

/** Servers are few; this keeps a caller who invents names from filling the memory. */
const REMEMBERED_MAX = 1000;

export class IceServerMemory {
  readonly #relays = new Map<string, boolean>();

  /** Whether a join may come with its offer: the server is known to need no relay. */
  mayOfferAtOnce(origin: string): boolean {
    return this.#relays.get(origin) === false;
  }

  /** Returns what a transport should use. */
  learn(origin: string, named: readonly ICEServer[]): NativeIceServers {
    const servers = toNative(named);
    if (!this.#relays.has(origin) && this.#relays.size >= REMEMBERED_MAX) this.#relays.clear();
    this.#relays.set(origin, servers.length > 0);
    return servers;
  }
}

const TURN = /^turn:(\[[^\]]+\]|[^:?]+)(?::(\d+))?(?:\?transport=(\w+))?$/i;
const TURN_PORT = 3478;

/**
 * Relays only, over UDP, which is what libdatachannel speaks. Without a relay STUN gains nothing here: the server is reachable, and
 * sees our address for itself. With none named there is nobody to wait for.
 */
function toNative(named: readonly ICEServer[]): NativeIceServers {
  return named.flatMap(({ urls, username, credential }) =>
    urls.flatMap((url): NativeIceServers => {
      const [, host, port, transport = "udp"] = TURN.exec(url) ?? [];
      if (host === undefined || transport.toLowerCase() !== "udp") return [];
      const hostname = host.replace(/^\[|\]$/g, "");
      return [{ hostname, port: Number(port ?? TURN_PORT), username, password: credential, relayType: "TurnUdp" }];
    }),
  );
}
