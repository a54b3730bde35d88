// HTTP/2 connections, shared by all users of a cloud. One connection's receive window of 64 KiB carries the audio of about
// 25 users over a round trip of 40 ms (docs/client.md), so a pool opens another one beyond that, and closes each when its
// last user has gone.

import type { ChannelCredentials } from "@grpc/grpc-js";
import type { Clock } from "../clock.js";
import { systemClock } from "../clock.js";
import type { ChannelLease } from "./channel.js";
import { Channel } from "./channel.js";
import { JoinPacer } from "./join-pacer.js";

export interface ChannelPoolOptions {
  /** Users per HTTP/2 connection. 25 by default. */
  readonly sessionsPerChannelMax?: number;
  /** Joins per second and address, so that a bridge that comes back is not run over. 100 by default. */
  readonly joinsPerSecondMax?: number;
  /** Plaintext by default. */
  readonly credentials?: ChannelCredentials;
  readonly clock?: Clock;
}

export interface LeaseOptions {
  /** HTTP/2 pings every 10 s. An old bridge takes them for an attack and drops every user of the connection. */
  readonly isKeptAlive: boolean;
}

export interface ChannelPool {
  /** Never blocks: the connection is opened behind it. Every lease has to be released. */
  lease(address: string, options: LeaseOptions): ChannelLease;
  /** Whether the bridge at this address has named itself, and so takes HTTP/2 pings. */
  isNamed(address: string): boolean;
  setNamed(address: string, isNamed: boolean): void;
  /** Resolves when it is this join's turn. */
  joinTurn(address: string, signal: AbortSignal): Promise<void>;
  /** Connections that are open or being opened. */
  readonly channelCount: number;
}

export function createChannelPool(options: ChannelPoolOptions = {}): ChannelPool {
  return new Pool(options);
}

let shared: ChannelPool | undefined;

/** The pool that clients share unless they are given another. */
export function sharedChannelPool(): ChannelPool {
  shared ??= createChannelPool();
  return shared;
}

/** Addresses whose bridge has named itself: more than any cloud has bridges. */
const NAMED_MAX = 1000;

class Pool implements ChannelPool {
  readonly #clock: Clock;
  readonly #sessionsMax: number;
  readonly #credentials: ChannelCredentials | undefined;
  readonly #pacer: JoinPacer;
  readonly #channels = new Set<Channel>();
  readonly #named = new Set<string>();

  constructor({ sessionsPerChannelMax = 25, joinsPerSecondMax = 100, credentials, clock }: ChannelPoolOptions) {
    this.#clock = clock ?? systemClock;
    this.#sessionsMax = sessionsPerChannelMax;
    this.#credentials = credentials;
    this.#pacer = new JoinPacer(this.#clock, 1000 / joinsPerSecondMax);
  }

  lease(address: string, { isKeptAlive }: LeaseOptions): ChannelLease {
    const fits = (channel: Channel) =>
      channel.address === address &&
      channel.isKeptAlive === isKeptAlive &&
      !channel.isRetired &&
      channel.leaseCount < this.#sessionsMax;
    // The fullest first, so that the others run empty and are closed.
    const [fullest] = [...this.#channels].filter(fits).toSorted((a, b) => b.leaseCount - a.leaseCount);
    return (fullest ?? this.#open(address, isKeptAlive)).lease();
  }

  isNamed(address: string): boolean {
    return this.#named.has(address);
  }

  setNamed(address: string, isNamed: boolean): void {
    this.#named.delete(address);
    if (!isNamed) return;
    for (const oldest of this.#named) {
      if (this.#named.size < NAMED_MAX) break;
      this.#named.delete(oldest);
    }
    this.#named.add(address);
  }

  joinTurn(address: string, signal: AbortSignal): Promise<void> {
    return this.#pacer.turn(address, signal);
  }

  get channelCount(): number {
    return this.#channels.size;
  }

  #open(address: string, isKeptAlive: boolean): Channel {
    const closed = (channel: Channel) => this.#channels.delete(channel);
    const channel = new Channel({ address, isKeptAlive, credentials: this.#credentials, clock: this.#clock, closed });
    this.#channels.add(channel);
    return channel;
  }
}
