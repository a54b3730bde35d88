// The client: the connection's chart on one side, what an application wants of it on the other.

import { randomUUID } from "node:crypto";
import { ChunkQueue } from "./audio/chunk-queue.js";
import type {
  BridgeClient,
  BridgeClientEvents,
  BridgeClientOptions,
  BridgeStatus,
  CallOptions,
  ClientStats,
  ConnectionState,
  JoinInfo,
  MicrophoneChunk,
  PlaybackEvent,
  PlayRequest,
  StopRequest,
} from "./bridge-client.js";
import { systemClock } from "./clock.js";
import { logConnection } from "./connection/connection-log.js";
import type { ConnectionObserver, ConnectionOptions } from "./connection/connection.js";
import { Connection } from "./connection/connection.js";
import { StreamWaiters } from "./connection/stream-waiters.js";
import { Emitter } from "./emitter.js";
import { BridgeClientError } from "./errors.js";
import { DEFAULT_LIMITS } from "./limits.js";
import { silentLogger, withFields } from "./log.js";
import { abortedBy, callUnary } from "./wire/calls.js";
import { sharedChannelPool } from "./wire/channel-pool.js";
import { assertAddress } from "./wire/channel.js";
import type { BridgeServiceClient } from "./wire/definition.js";
import type { AudioChunkMessage } from "./wire/messages.js";
import { playback } from "./wire/playback.js";
import { routedMetadata } from "./wire/routing.js";
import type { UplinkFormat } from "./wire/uplink-queue.js";

export function createBridgeClient(options: BridgeClientOptions): BridgeClient {
  return new Client(options);
}

type ConnectOptions = CallOptions & { readonly retry?: boolean; readonly isRestart?: boolean };

class Client implements BridgeClient {
  readonly #options: ConnectionOptions;
  readonly #connection: Connection;
  readonly #emitter: Emitter<BridgeClientEvents>;
  readonly #waiters = new StreamWaiters();
  readonly #readers = new Set<ChunkQueue>();
  /** Calls beside the session, which end with the client. */
  readonly #pending = new Set<AbortController>();
  readonly #counts = { joins: 0, chunksReceived: 0, bytesReceived: 0, bytesDroppedDownlink: 0 };
  #bytesSent = 0;
  #bytesDroppedUplink = 0;
  #lastAudioAtMs: number | undefined;

  constructor(options: BridgeClientOptions) {
    if (options.userId === "") throw new BridgeClientError("invalid_argument", "userId must not be empty");
    const { userId, address, join, clock = systemClock, random = Math.random } = options;
    const logger = withFields(options.logger ?? silentLogger, { feature: "livekit-grpc", userId });
    assertAddress(address);
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#options = { userId, address, join, logger, clock, random, limits };
    this.#emitter = new Emitter(logger);
    const channels = options.channels ?? sharedChannelPool();
    this.#connection = new Connection(this.#options, channels, options.routingKey, this.#observer());
  }

  get userId(): string {
    return this.#options.userId;
  }

  get address(): string {
    return this.#options.address;
  }

  get state(): ConnectionState {
    return this.#connection.state;
  }

  get info(): JoinInfo | undefined {
    return this.#connection.info;
  }

  get stats(): ClientStats {
    return {
      ...this.#counts,
      bytesSent: this.#bytesSent,
      bytesDroppedUplink: this.#bytesDroppedUplink,
      lastAudioAtMs: this.#lastAudioAtMs,
    };
  }

  connect(options: ConnectOptions = {}): Promise<JoinInfo> {
    const { info } = this.#connection;
    if (this.state === "streaming" && info) return Promise.resolve(info);
    return this.#wanted(options, () => this.#connection.send({ type: "connect", isPersistent: options.retry ?? true }));
  }

  rejoin(options: ConnectOptions = {}): Promise<JoinInfo> {
    const { retry: isPersistent = true, isRestart = false } = options;
    return this.#wanted(options, () => this.#connection.send({ type: "rejoin", isPersistent, isRestart }));
  }

  async disconnect(reason = "User disconnected"): Promise<void> {
    if (this.state === "closed") return;
    this.#connection.send({ type: "disconnect", reason });
    this.#waiters.failed(new BridgeClientError("disconnected", "the client was told to disconnect"), true);
    await this.#connection.membership.idle;
  }

  async dispose(): Promise<void> {
    if (this.state !== "closed") {
      this.#connection.send({ type: "dispose", reason: "User disconnected" });
      this.#waiters.failed(disposed(), true);
      for (const reader of this.#readers) reader.close();
      for (const call of this.#pending) call.abort(disposed());
      this.#emitter.clear();
    }
    // Called by a listener, it is taken up when the listeners of that event are through.
    await Promise.resolve();
    await this.#connection.membership.idle;
  }

  on<Name extends keyof BridgeClientEvents>(
    name: Name,
    listener: (event: BridgeClientEvents[Name]) => void,
  ): () => void {
    return this.state === "closed" ? () => {} : this.#emitter.on(name, listener);
  }

  async *audio({ signal }: CallOptions = {}): AsyncGenerator<MicrophoneChunk, void, undefined> {
    if (this.state === "closed" || signal?.aborted === true) return;
    const maxMs = this.#options.limits.downlinkQueueMaxMs;
    const queue = new ChunkQueue({ maxMs, dropped: (bytes) => (this.#counts.bytesDroppedDownlink += bytes) });
    const close = () => queue.close();
    signal?.addEventListener("abort", close, { once: true });
    this.#readers.add(queue);
    try {
      for (let chunk = await queue.next(); chunk; chunk = await queue.next()) yield chunk;
    } finally {
      signal?.removeEventListener("abort", close);
      this.#readers.delete(queue);
    }
  }

  send(pcm: Uint8Array, format: UplinkFormat = {}): boolean {
    if (pcm.length === 0) return true;
    const isTaken = this.#connection.stream?.uplink.push(pcm, format) ?? false;
    if (isTaken) this.#bytesSent += pcm.length;
    else this.#bytesDroppedUplink += pcm.length;
    return isTaken;
  }

  async ready({ signal }: CallOptions = {}): Promise<void> {
    const hasRoom = await this.#connection.stream?.uplink.hasRoom(signal);
    if (signal?.aborted === true) throw abortedBy(signal, "ready");
    if (this.state === "closed") throw disposed();
    if (hasRoom !== true) throw new BridgeClientError("not_connected", "no stream is up");
  }

  async *play(request: PlayRequest, { signal }: CallOptions = {}): AsyncGenerator<PlaybackEvent, void, undefined> {
    if (this.state === "closed") throw disposed();
    const own = this.#begin(signal);
    try {
      yield* playback({
        ...this.#options,
        routingKey: this.#connection.routingKey,
        borrow: () => this.#connection.borrow(),
        request: { ...request, requestId: request.requestId ?? randomUUID() },
        signal: own.signal,
      });
    } finally {
      own.end();
    }
  }

  async stop(request: StopRequest = {}, { signal }: CallOptions = {}): Promise<readonly string[]> {
    const { requestId = "", trackId, reason = "stopped by the cloud" } = request;
    const track = trackId === undefined ? {} : { track_id: trackId };
    const response = await this.#call("StopAudio", signal, (client) => ({
      method: client.stopAudio.bind(client),
      request: { user_id: this.userId, request_id: requestId, reason, ...track },
    }));
    if (!response.success) throw new BridgeClientError("not_found", `StopAudio: ${response.error}`);
    return response.stopped_request_id.split(",").filter((id) => id !== "");
  }

  async status({ signal }: CallOptions = {}): Promise<BridgeStatus> {
    const answer = await this.#call("GetStatus", signal, (client) => ({
      method: client.getStatus.bind(client),
      request: { user_id: this.userId },
    }));
    return {
      connected: answer.connected,
      participantId: answer.participant_id,
      participantCount: answer.participant_count,
      lastDisconnectAtMs: answer.last_disconnect_at,
      lastDisconnectReason: answer.last_disconnect_reason,
      serverVersion: answer.server_version,
    };
  }

  /** Asks for a stream, and waits for it. */
  #wanted({ signal, retry = true }: ConnectOptions, ask: () => void): Promise<JoinInfo> {
    if (this.state === "closed") return Promise.reject(disposed());
    if (signal?.aborted === true) return Promise.reject(abortedBy(signal, "connect"));
    // What was begun for this caller alone is given up with it. A lost stream is still come back to.
    const began = this.state === "idle";
    const gaveUp = () => {
      if (began && this.#waiters.count === 0 && !this.#connection.stream) void this.disconnect();
    };
    const waiting = this.#waiters.wait(!retry, signal, gaveUp);
    ask();
    return waiting;
  }

  async #call<Request, Response>(
    name: string,
    signal: AbortSignal | undefined,
    describe: (client: BridgeServiceClient) => {
      readonly method: Parameters<typeof callUnary<Request, Response>>[0]["method"];
      readonly request: Request;
    },
  ): Promise<Response> {
    if (this.state === "closed") throw disposed();
    const { client, release } = this.#connection.borrow();
    const own = this.#begin(signal);
    try {
      const metadata = routedMetadata(this.#connection.routingKey);
      const timeoutMs = this.#options.limits.callTimeoutMs;
      return await callUnary({ name, metadata, timeoutMs, signal: own.signal, ...describe(client) });
    } finally {
      own.end();
      release();
    }
  }

  /** A call whose signal is its caller's and the client's own. */
  #begin(signal: AbortSignal | undefined): { readonly signal: AbortSignal; end(): void } {
    const own = new AbortController();
    const abort = () => own.abort(signal?.reason);
    if (signal?.aborted === true) abort();
    signal?.addEventListener("abort", abort, { once: true });
    this.#pending.add(own);
    const end = () => {
      signal?.removeEventListener("abort", abort);
      this.#pending.delete(own);
    };
    return { signal: own.signal, end };
  }

  #observer(): ConnectionObserver {
    const log = logConnection(this.#options);
    return {
      state: (state, previous) => {
        log.state(state, previous);
        this.#emitter.emit("state", { state, previous });
      },
      joined: (info) => {
        this.#counts.joins += 1;
        log.joined(info);
        this.#emitter.emit("joined", info);
      },
      streaming: (info) => {
        log.streaming(info);
        this.#waiters.succeeded(info);
        this.#emitter.emit("streaming", info);
      },
      failed: (error, attempt, retryInMs) => {
        log.failed(error, attempt, retryInMs);
        this.#waiters.failed(error, retryInMs === undefined);
        this.#emitter.emit("failed", { error, attempt, ...(retryInMs === undefined ? {} : { retryInMs }) });
      },
      ended: (reason) => {
        log.ended(reason);
        const text = `the bridge ended the stream: ${reason}`;
        this.#waiters.failed(new BridgeClientError("stream_ended", text, { endReason: reason }), true);
        this.#emitter.emit("ended", { reason });
      },
      audio: (message) => this.#received(message),
    };
  }

  #received({ pcm_data: data, sample_rate, channels, timestamp_ms }: AudioChunkMessage): void {
    const pcm = Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.length);
    const chunk = { pcm, sampleRate: sample_rate || 16_000, channels: channels || 1, timestampMs: timestamp_ms };
    this.#counts.chunksReceived += 1;
    this.#counts.bytesReceived += pcm.length;
    this.#lastAudioAtMs = this.#options.clock.now();
    this.#emitter.emit("audio", chunk);
    for (const reader of this.#readers) reader.push(chunk);
  }
}

function disposed(): BridgeClientError {
  return new BridgeClientError("disposed", "the client is disposed");
}
