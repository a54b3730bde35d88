// One HTTP/2 connection to a bridge and its users' leases of it.
//
// grpc-js has no limit for opening a connection. While a network is cut, its TCP handshake repeats itself ever more rarely
// (1, 2, 4 … 32 s), and grpc-js waits for it, however long ago the network came back. So whoever waits for a channel has the
// attempt replaced every second.

import type { ChannelCredentials, ClientOptions } from "@grpc/grpc-js";
import { connectivityState, credentials as grpcCredentials } from "@grpc/grpc-js";
import type { Clock } from "../clock.js";
import { BridgeClientError } from "../errors.js";
import { pause } from "../pause.js";
import type { BridgeServiceClient } from "./definition.js";
import { bridgeService } from "./definition.js";

export interface ChannelLease {
  readonly client: BridgeServiceClient;
  readonly isRetired: boolean;
  readonly isKeptAlive: boolean;
  /** Another lease of the same connection, however many there are, for a call that may outlive this one. */
  share(): ChannelLease;
  /** Something has arrived on it. */
  heard(): void;
  /** Whether anything has arrived on it, for whomever, in that time. */
  wasHeardWithin(ms: number): boolean;
  /** The connection is suspected dead: nobody new gets it, and it is closed with its last lease. */
  retire(): void;
  /** Waits while the connection is being opened. `failing`: the bridge refuses, and a call would fail at once and say why. */
  opened(limitMs: number, signal: AbortSignal): Promise<"open" | "failing" | "late">;
  /**
   * True as soon as a connection that was away is there again; false after `limitMs` or when the signal fires. With
   * `isNewEnough`, one that was replaced by a new one within moments counts as well.
   */
  cameBack(limitMs: number, signal: AbortSignal, isNewEnough: boolean): Promise<boolean>;
  release(): void;
}

export interface ChannelOptions {
  readonly address: string;
  readonly isKeptAlive: boolean;
  readonly credentials: ChannelCredentials | undefined;
  readonly clock: Clock;
  readonly closed: (channel: Channel) => void;
}

/** After this time an attempt to connect is replaced by a new one. */
const CONNECT_TRY_MS = 1000;
/** A connection that has not come about for so long was away. */
const AWAY_AFTER_MS = 500;
/** How often a connection that is not there is looked at. */
const LOOK_EVERY_MS = 50;
/** The limit of a message, as that of the bridge. */
const MESSAGE_MAX_BYTES = 10 * 1024 * 1024;

const OPTIONS: ClientOptions = {
  // Otherwise grpc-js would put all channels of one address on the same connection.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1000,
  "grpc.max_receive_message_length": MESSAGE_MAX_BYTES,
  "grpc.service_config_disable_resolution": 1,
  // grpc-js calls the first MiB of a stream written, whatever the bridge takes, so as to be able to send it again: half a
  // minute of audio that nobody hears and no back-pressure knows of. Small calls keep their retry.
  "grpc.per_rpc_retry_buffer_size": 8192,
  "grpc.dns_min_time_between_resolutions_ms": 1000,
};
const KEEPALIVE: ClientOptions = { "grpc.keepalive_time_ms": 10_000, "grpc.keepalive_timeout_ms": 5_000 };

/** Throws if grpc-js cannot make out where that is. Nothing is connected. */
export function assertAddress(address: string): void {
  try {
    new (bridgeService())(address, grpcCredentials.createInsecure(), {}).close();
  } catch (error) {
    throw new BridgeClientError("invalid_argument", `not an address of a bridge: "${address}"`, { cause: error });
  }
}

export class Channel {
  readonly address: string;
  readonly isKeptAlive: boolean;
  readonly #options: ChannelOptions;
  readonly #leases = new Set<Lease>();
  #client: BridgeServiceClient;
  readonly #watchers = new Set<(state: connectivityState) => void>();
  #timer: unknown;
  #triedAtMs: number;
  #isRetired = false;
  /** On the clock's monotonic time. */
  heardAtMs = -Infinity;

  constructor(options: ChannelOptions) {
    this.address = options.address;
    this.isKeptAlive = options.isKeptAlive;
    this.#options = options;
    this.#client = this.#connect();
    this.#triedAtMs = options.clock.now();
  }

  get client(): BridgeServiceClient {
    return this.#client;
  }

  get leaseCount(): number {
    return this.#leases.size;
  }

  get isRetired(): boolean {
    return this.#isRetired;
  }

  retire(): void {
    this.#isRetired = true;
  }

  lease(): ChannelLease {
    const lease = new Lease(this, this.#options.clock, () => this.#released(lease));
    this.#leases.add(lease);
    return lease;
  }

  /**
   * Tells `listener` the state, now and each time it is looked at, until the returned function is called. While somebody
   * watches, an idle connection is opened and an attempt that takes too long is replaced.
   */
  watch(listener: (state: connectivityState) => void): () => void {
    this.#watchers.add(listener);
    listener(this.#look());
    this.#lookAgainLater();
    return () => {
      this.#watchers.delete(listener);
      if (this.#watchers.size > 0) return;
      this.#options.clock.clearTimeout(this.#timer);
      this.#timer = undefined;
    };
  }

  #lookAgainLater(): void {
    if (this.#watchers.size === 0) return;
    this.#timer ??= this.#options.clock.setTimeout(() => {
      this.#timer = undefined;
      const state = this.#look();
      for (const watcher of this.#watchers) watcher(state);
      this.#lookAgainLater();
    }, LOOK_EVERY_MS);
  }

  #look(): connectivityState {
    const state = this.#client.getChannel().getConnectivityState(true);
    const now = this.#options.clock.now();
    if (state !== connectivityState.CONNECTING) this.#triedAtMs = now;
    else if (now - this.#triedAtMs >= CONNECT_TRY_MS) {
      closeSoon(this.#client);
      this.#client = this.#connect();
      this.#triedAtMs = now;
    }
    return state;
  }

  #connect(): BridgeServiceClient {
    const Service = bridgeService();
    const { address, isKeptAlive, credentials = grpcCredentials.createInsecure() } = this.#options;
    return new Service(address, credentials, isKeptAlive ? { ...OPTIONS, ...KEEPALIVE } : OPTIONS);
  }

  #released(lease: Lease): void {
    if (!this.#leases.delete(lease) || this.#leases.size > 0) return;
    closeSoon(this.#client);
    this.#options.closed(this);
  }
}

/**
 * Not in the tick in which it may have been told to connect: grpc-js would go on to connect a channel that is closed by then,
 * and nobody would ever close that connection.
 */
function closeSoon(client: BridgeServiceClient): void {
  setImmediate(() => client.close());
}

class Lease implements ChannelLease {
  readonly #channel: Channel;
  readonly #clock: Clock;
  readonly release: () => void;

  constructor(channel: Channel, clock: Clock, release: () => void) {
    this.#channel = channel;
    this.#clock = clock;
    this.release = release;
  }

  get client(): BridgeServiceClient {
    return this.#channel.client;
  }

  get isRetired(): boolean {
    return this.#channel.isRetired;
  }

  get isKeptAlive(): boolean {
    return this.#channel.isKeptAlive;
  }

  share(): ChannelLease {
    return this.#channel.lease();
  }

  heard(): void {
    this.#channel.heardAtMs = this.#clock.now();
  }

  wasHeardWithin(ms: number): boolean {
    return this.#clock.now() - this.#channel.heardAtMs <= ms;
  }

  retire(): void {
    this.#channel.retire();
  }

  async opened(limitMs: number, signal: AbortSignal): Promise<"open" | "failing" | "late"> {
    const outcome = await this.#when(limitMs, signal, (state) => {
      if (state === connectivityState.READY) return "open";
      return state === connectivityState.TRANSIENT_FAILURE ? "failing" : undefined;
    });
    return outcome ?? "late";
  }

  async cameBack(limitMs: number, signal: AbortSignal, isNewEnough: boolean): Promise<boolean> {
    const sinceMs = this.#clock.now();
    let wasAway = false;
    const outcome = await this.#when(limitMs, signal, (state) => {
      if (state === connectivityState.READY) return wasAway ? "back" : undefined;
      // A new connection needs a moment as well, and whoever takes connections only to drop them gives one each time.
      wasAway ||=
        isNewEnough || state === connectivityState.TRANSIENT_FAILURE || this.#clock.now() - sinceMs >= AWAY_AFTER_MS;
      return undefined;
    });
    return outcome === "back";
  }

  /** The judge's first verdict; `undefined` when the time is over or the signal fires. */
  async #when<Verdict extends string>(
    limitMs: number,
    signal: AbortSignal,
    judge: (state: connectivityState) => Verdict | undefined,
  ): Promise<Verdict | undefined> {
    let verdict: Verdict | undefined;
    const over = new AbortController();
    const unwatch = this.#channel.watch((state) => {
      verdict ??= judge(state);
      if (verdict !== undefined) over.abort();
    });
    try {
      await pause(this.#clock, limitMs, AbortSignal.any([signal, over.signal]));
      return verdict;
    } finally {
      unwatch();
    }
  }
}
