// The chart at work: its ports, its actors, and the parts they share. What the client does with it is told here; what
// happens is told to the `Observer`.

import { createActor, fromCallback } from "xstate";
import type { BridgeClientOptions, ConnectionState, JoinInfo } from "../bridge-client.js";
import type { Clock, Random } from "../clock.js";
import { BridgeClientError, toClientError } from "../errors.js";
import type { ClientLimits } from "../limits.js";
import type { ClientLogger } from "../log.js";
import type { AudioStream } from "../wire/audio-stream.js";
import type { ChannelLease } from "../wire/channel.js";
import type { ChannelPool } from "../wire/channel-pool.js";
import type { BridgeServiceClient } from "../wire/definition.js";
import type { AudioChunkMessage } from "../wire/messages.js";
import { routingKeyOf } from "../wire/routing.js";
import { Attempt } from "./attempt.js";
import { backoffMs } from "./backoff.js";
import type { AttemptInput, ChannelWatchInput, ConnectionEvent, ConnectionPorts } from "./connection-context.js";
import { connectionMachine } from "./connection-machine.js";
import { Membership } from "./membership.js";
import { pause } from "../pause.js";

/** The application's options, with nothing left open. */
export interface ConnectionOptions extends Pick<BridgeClientOptions, "userId" | "address" | "join"> {
  readonly logger: ClientLogger;
  readonly limits: ClientLimits;
  readonly clock: Clock;
  readonly random: Random;
}

export interface ConnectionObserver {
  state(state: ConnectionState, previous: ConnectionState): void;
  joined(info: JoinInfo): void;
  streaming(info: JoinInfo): void;
  failed(error: BridgeClientError, attempt: number, retryInMs?: number): void;
  ended(reason: string): void;
  audio(chunk: AudioChunkMessage): void;
}

export class Connection {
  readonly options: ConnectionOptions;
  readonly channels: ChannelPool;
  readonly routingKey: string;
  readonly membership: Membership;
  readonly #observer: ConnectionObserver;
  readonly #actor;
  #lease: ChannelLease | undefined;
  #stream: AudioStream | undefined;
  #info: JoinInfo | undefined;
  #state: ConnectionState = "idle";
  /** What the observer is told once the state is the new one. */
  readonly #news: (() => void)[] = [];

  constructor(
    options: ConnectionOptions,
    channels: ChannelPool,
    routingKey: string | undefined,
    observer: ConnectionObserver,
  ) {
    this.options = options;
    this.channels = channels;
    this.routingKey = routingKey ?? routingKeyOf(options.userId);
    this.membership = new Membership({ ...options, routingKey: this.routingKey });
    this.#observer = observer;
    this.#actor = createActor(this.#machine(options), {
      input: { limits: options.limits, ports: this.#ports() },
      clock: options.clock,
    });
    this.#actor.subscribe((snapshot) => {
      this.#adopt(stateOf(snapshot.value));
      for (const tell of this.#news.splice(0)) tell();
    });
    this.#actor.start();
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get info(): JoinInfo | undefined {
    return this.#info;
  }

  /** The stream that the bridge has accepted. */
  get stream(): AudioStream | undefined {
    return this.#stream;
  }

  send(event: ConnectionEvent): void {
    this.#actor.send(event);
  }

  /** For a call beside the session: its connection if there is one, else one for the time of the call. */
  borrow(): { readonly client: BridgeServiceClient; readonly release: () => void } {
    const { channels, options } = this;
    const isKeptAlive = channels.isNamed(options.address);
    const lease = this.#lease?.share() ?? channels.lease(options.address, { isKeptAlive });
    return { client: lease.client, release: lease.release };
  }

  /** The user's place on a connection that suits the bridge: kept alive if it has named itself, and not suspected dead. */
  lease(): ChannelLease {
    const isKeptAlive = this.channels.isNamed(this.options.address);
    const old = this.#lease;
    if (old && !old.isRetired && old.isKeptAlive === isKeptAlive) return old;
    const lease = this.channels.lease(this.options.address, { isKeptAlive });
    this.#lease = lease;
    old?.release();
    return lease;
  }

  retireLease(): void {
    this.#lease?.retire();
  }

  attached(stream: AudioStream): void {
    this.#stream = stream;
  }

  detached(stream: AudioStream | undefined): void {
    if (stream !== undefined && this.#stream === stream) this.#stream = undefined;
  }

  deliver(chunk: AudioChunkMessage): void {
    this.#observer.audio(chunk);
  }

  #machine(options: ConnectionOptions) {
    return connectionMachine.provide({
      actors: {
        attempt: fromCallback<ConnectionEvent, AttemptInput>(({ input, sendBack }) => {
          const attempt = new Attempt(this, input.attempt, sendBack);
          void attempt.run();
          return () => attempt.stop();
        }),
        channelWatch: fromCallback<ConnectionEvent, ChannelWatchInput>(({ input, sendBack }) => {
          const abortion = new AbortController();
          const back = () => sendBack({ type: "channel.back" });
          // Without the watch, the wait is as long as was drawn.
          this.#watchChannel(input, abortion.signal, back).catch((error: unknown) => {
            options.logger.error({ err: error }, "The channel cannot be watched");
          });
          return () => abortion.abort();
        }),
      },
    });
  }

  async #watchChannel(input: ChannelWatchInput, signal: AbortSignal, back: () => void): Promise<void> {
    const { clock, random, limits } = this.options;
    const { delayMs, isFirstFailure } = input;
    if (!(await this.lease().cameBack(delayMs, signal, isFirstFailure))) return;
    await pause(clock, random() * limits.readySpreadMs, signal);
    if (!signal.aborted) back();
  }

  #ports(): ConnectionPorts {
    const { limits, random } = this.options;
    return {
      nextDelayMs: (attempt) => backoffMs(attempt, limits, random),
      joined: (info) => {
        this.#info = info;
        this.#news.push(() => this.#observer.joined(info));
      },
      streaming: () => {
        const info = this.#info;
        if (info) this.#news.push(() => this.#observer.streaming(info));
      },
      failed: (error, attempt, retryInMs) => {
        if (error) this.#news.push(() => this.#observer.failed(error, attempt, retryInMs));
      },
      ended: (reason) => this.#news.push(() => this.#observer.ended(reason)),
      leave: (reason) => this.#leave(reason),
      makeWay: () => {
        // Not even an echo: the connection may be dead, and would hold the join up.
        if (this.#lease?.wasHeardWithin(limits.heartbeatIntervalMs) === false) this.#lease.retire();
        // A bridge that has named itself replaces the session by the join. A leave that hangs in a dead connection would come
        // after it, and throw the new session out.
        if (this.#info?.bridgeVersion === undefined) this.#leave("rejoin");
      },
      crashed: (cause) => toClientError(cause),
      endedAsFailure: (endReason) =>
        new BridgeClientError("stream_ended", `StreamAudio: ended by the bridge: ${endReason}`, { endReason }),
    };
  }

  #leave(reason: string): void {
    void this.membership.leave(() => this.lease().client, reason).then(() => this.#letGo());
  }

  #adopt(state: ConnectionState): void {
    const previous = this.#state;
    if (state === previous) return;
    this.#state = state;
    this.#observer.state(state, previous);
    this.#letGo();
  }

  /** The connection is another's when nothing is wanted and nothing is left to be told to the bridge. */
  #letGo(): void {
    void this.membership.idle.then(() => {
      if (this.#state !== "idle" && this.#state !== "closed") return;
      this.#lease?.release();
      this.#lease = undefined;
    });
  }
}

function stateOf(value: string | object): ConnectionState {
  if (typeof value === "string") return value as ConnectionState;
  return "active" in value ? (value.active as ConnectionState) : "idle";
}
