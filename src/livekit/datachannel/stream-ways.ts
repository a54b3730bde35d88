// The ways of one transport that go over TCP or TLS: to the server itself (ICE over TCP), and to relays. libjuice, which looks
// for ways in libdatachannel, knows UDP alone; what it knows of ICE over TCP corrupts the stream. So each of these ways is a
// tunnel of ours, and an address on the loopback interface to it.

import { connect as connectTcp, isIP } from "node:net";
import { connect as connectTls } from "node:tls";
import type { IceServer } from "node-datachannel";
import type { Clock } from "../../time.js";
import { isPort, type LocatedRelay } from "./ice-servers.js";
import { ICE_TCP_FRAMING, TURN_FRAMING } from "./stream-framing.js";
import { LOOPBACK, StreamTunnel, type StreamTunnelOptions } from "./stream-tunnel.js";

export interface StreamWaysParts {
  readonly clock: Clock;
  /** The way that the transport goes by has ended. Must not throw. */
  readonly lost: (why: string) => void;
}

/** How a transport goes once it is connected. */
export interface ChosenWay {
  readonly isRelayed: boolean;
  /** Where it sends to, if that is on the loopback interface. */
  readonly loopbackPort: number | undefined;
}

export type AddCandidate = (candidate: string, mid: string) => void;

/** A server has an address or a few. */
const TCP_WAYS_MAX = 4;
/** To a relay that was kept beside the chosen one nothing is said after this, but for a word every few minutes. */
const UNUSED_MS = 7000;
const PASSIVE_TCP = /^(?:a=)?candidate:(\S+) 1 tcp (\d+) (\S+) (\d+) typ \S+(?: .*)? tcptype passive/i;

interface TcpAddress {
  readonly foundation: string;
  readonly priority: string;
  readonly host: string;
  readonly port: number;
  readonly mid: string;
}

export class StreamWays {
  readonly #parts: StreamWaysParts;
  /** Of the server, as long as they are of use. */
  #addresses: Map<string, TcpAddress> | undefined = new Map();
  #add: AddCandidate | undefined;
  #settledAtMs: number | undefined;
  #isRelayOne = false;
  readonly #direct = new Set<StreamTunnel>();
  readonly #relays = new Set<StreamTunnel>();
  #isClosed = false;

  constructor(parts: StreamWaysParts) {
    this.#parts = parts;
  }

  /** Relays in the words of the library. Rejects when there is no port to be had. */
  relays(relays: readonly LocatedRelay[]): Promise<IceServer[]> {
    this.#isRelayOne = relays.length === 1;
    return Promise.all(relays.map((relay) => this.#relay(relay)));
  }

  /** A candidate of the server's; those that are none of TCP are ignored. */
  learn(candidate: string, mid: string): void {
    if (!this.#addresses || this.#addresses.size >= TCP_WAYS_MAX) return;
    const [, foundation, priority, host, port] = PASSIVE_TCP.exec(candidate) ?? [];
    if (foundation === undefined || priority === undefined || host === undefined || isIP(host) === 0) return;
    if (!isPort(Number(port))) return;
    const key = `${host} ${port}`;
    if (this.#addresses.has(key)) return;
    const address = { foundation, priority, host, port: Number(port), mid };
    this.#addresses.set(key, address);
    if (this.#add) void this.#openDirect(address, this.#add);
  }

  /** Nothing else has worked so far: those to the server too, from now on. */
  tryDirect(add: AddCandidate): void {
    if (this.#add || !this.#addresses) return;
    this.#add = add;
    for (const address of this.#addresses.values()) void this.#openDirect(address, add);
  }

  /** Lets go of all that are not used, for good. Whether one to the server itself is. */
  settle({ isRelayed, loopbackPort }: ChosenWay): boolean {
    this.#addresses = undefined;
    this.#settledAtMs = this.#parts.clock.now();
    for (const tunnel of this.#direct) if (tunnel.port !== loopbackPort) this.#drop(tunnel);
    if (!isRelayed) for (const tunnel of this.#relays) this.#drop(tunnel);
    return this.#direct.size > 0;
  }

  /** Idempotent. No callback after it. */
  close(): void {
    this.#isClosed = true;
    this.#addresses = undefined;
    for (const tunnel of [...this.#direct, ...this.#relays]) this.#drop(tunnel);
  }

  async #relay({ host, address, port, transport, username, credential }: LocatedRelay): Promise<IceServer> {
    const server = { username, password: credential, relayType: "TurnUdp" } as const;
    if (transport === "udp") return { hostname: address, port, ...server };
    const to = { host: address, port };
    const name = isIP(host) === 0 ? { servername: host } : {};
    const connect = () => (transport === "tls" ? connectTls({ ...to, ...name }) : connectTcp(to));
    const tunnel = await this.#open(this.#relays, { framing: TURN_FRAMING, connect });
    return { hostname: LOOPBACK, port: tunnel.port, ...server };
  }

  async #openDirect({ foundation, priority, host, port, mid }: TcpAddress, add: AddCandidate): Promise<void> {
    const connect = () => connectTcp({ host, port });
    try {
      const tunnel = await this.#open(this.#direct, { framing: ICE_TCP_FRAMING, connect });
      // Another way has been taken meanwhile.
      if (!this.#addresses) return this.#drop(tunnel);
      add(`candidate:${foundation} 1 udp ${priority} ${LOOPBACK} ${tunnel.port} typ host`, mid);
    } catch {
      // Without a port there is one way less.
    }
  }

  async #open(
    tunnels: Set<StreamTunnel>,
    { framing, connect }: Pick<StreamTunnelOptions, "framing" | "connect">,
  ): Promise<StreamTunnel> {
    const { clock, lost } = this.#parts;
    const tunnel: StreamTunnel = await StreamTunnel.open({
      clock,
      framing,
      connect,
      ended: (why) => {
        if (!tunnels.delete(tunnel) || this.#settledAtMs === undefined) return;
        const isTheWay =
          tunnels === this.#direct || this.#isRelayOne || tunnel.hasCarriedSince(this.#settledAtMs + UNUSED_MS);
        if (isTheWay) lost(`its connection over TCP ended: ${why}`);
      },
    });
    tunnels.add(tunnel);
    if (this.#isClosed) this.#drop(tunnel);
    return tunnel;
  }

  #drop(tunnel: StreamTunnel): void {
    this.#direct.delete(tunnel);
    this.#relays.delete(tunnel);
    tunnel.close();
  }
}
