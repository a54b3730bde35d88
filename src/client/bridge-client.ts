// What an application sees of the client: one user's session on a bridge. `createBridgeClient` makes one.

import type { Clock, Random } from "./clock.js";
import type { BridgeClientError } from "./errors.js";
import type { ClientLimits } from "./limits.js";
import type { ClientLogger } from "./log.js";
import type { ChannelPool } from "./wire/channel-pool.js";

/** Where a join leads. The token names the room and the bridge's identity in it, such as `cloud-agent:alice`. */
export interface JoinTarget {
  /** LiveKit's address as the bridge reaches it. Empty: the bridge's own setting. */
  readonly url: string;
  readonly roomName: string;
  readonly token: string;
  /** Whose microphone is wanted. The user's id by default. */
  readonly targetIdentity?: string;
}

export interface JoinAttempt {
  /** 1 for the first join since the last stable stream. */
  readonly attempt: number;
  readonly signal: AbortSignal;
}

export interface BridgeClientOptions {
  readonly userId: string;
  /** `host:port` or `unix:/path`. */
  readonly address: string;
  /** Asked before every JoinRoom, so that each carries a fresh token. */
  readonly join: (attempt: JoinAttempt) => JoinTarget | Promise<JoinTarget>;
  readonly logger?: ClientLogger;
  readonly limits?: Partial<ClientLimits>;
  /** Shared by all clients of the process by default. */
  readonly channels?: ChannelPool;
  /** Sent with every call as `bridge-routing-key`, for a proxy in front of several bridges. A hash of the user's id by default. */
  readonly routingKey?: string;
  readonly clock?: Clock;
  readonly random?: Random;
}

export type ConnectionState = "idle" | "joining" | "streaming" | "waiting" | "closed";

export interface JoinInfo {
  readonly participantId: string;
  /** The bridge and everybody else in the room. */
  readonly participantCount: number;
  /** `undefined` for an old bridge, which does not name itself. */
  readonly bridgeVersion: string | undefined;
  /** The bridge's generation of the session; `undefined` for an old bridge. */
  readonly session: string | undefined;
}

/** Microphone audio: PCM16 little-endian mono at 16 kHz, as the phone sent it. */
export interface MicrophoneChunk {
  readonly pcm: Buffer;
  readonly sampleRate: number;
  readonly channels: number;
  /** Unix time in milliseconds at which the bridge passed it on. */
  readonly timestampMs: number;
}

export interface BridgeClientEvents {
  state: { readonly state: ConnectionState; readonly previous: ConnectionState };
  /** The room is joined; the stream follows. */
  joined: JoinInfo;
  /** The bridge has accepted the stream: audio flows from now on. */
  streaming: JoinInfo;
  audio: MicrophoneChunk;
  /** A join or stream failed. `retryInMs` is absent when nothing more will be tried. */
  failed: { readonly error: BridgeClientError; readonly attempt: number; readonly retryInMs?: number };
  /** The bridge ended the stream in order, and the client stays out: `duplicate_identity`, `participant_removed`, `replaced`, `left`. */
  ended: { readonly reason: string };
}

export interface PlayRequest {
  readonly url: string;
  /** Made up when left out. */
  readonly requestId?: string;
  /** 1 by default; 0 is silence; above 1 is louder, clamped. */
  readonly volume?: number;
  readonly stopOther?: boolean;
  /** 0 (`speaker`) by default; 1 `app_audio`, 2 `tts`, n `track_<n>`. */
  readonly trackId?: number;
}

export interface PlaybackEvent {
  readonly type: "STARTED" | "PROGRESS" | "COMPLETED" | "FAILED";
  readonly requestId: string;
  readonly durationMs: number;
  readonly positionMs: number;
  readonly error: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface StopRequest {
  readonly requestId?: string;
  /** Without a request and a track: everything. */
  readonly trackId?: number;
  readonly reason?: string;
}

export interface BridgeStatus {
  readonly connected: boolean;
  readonly participantId: string;
  readonly participantCount: number;
  /** Unix time in milliseconds, 0 if none is remembered. */
  readonly lastDisconnectAtMs: number;
  readonly lastDisconnectReason: string;
  readonly serverVersion: string;
}

export interface ClientStats {
  readonly joins: number;
  readonly chunksReceived: number;
  readonly bytesReceived: number;
  /** Dropped because a reader of `audio()` was slow. */
  readonly bytesDroppedDownlink: number;
  readonly bytesSent: number;
  /** Refused because the bridge did not take more, or no stream was up. */
  readonly bytesDroppedUplink: number;
  readonly lastAudioAtMs: number | undefined;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface BridgeClient {
  readonly userId: string;
  readonly address: string;
  readonly state: ConnectionState;
  /** Of the newest join. */
  readonly info: JoinInfo | undefined;
  readonly stats: ClientStats;

  /**
   * Joins and resolves when the stream is accepted. Failures are tried again until one join works; with `retry: false` the
   * first failure rejects. Called again meanwhile, it joins the pending attempt.
   */
  connect(options?: CallOptions & { readonly retry?: boolean }): Promise<JoinInfo>;
  /**
   * Joins again in place of the session that is there, with a fresh target. An attempt that is under way already is fresh enough and is joined, unless
   * `isRestart` says that it leads to the wrong place.
   */
  rejoin(options?: CallOptions & { readonly retry?: boolean; readonly isRestart?: boolean }): Promise<JoinInfo>;
  /** Ends the stream and leaves the room; the client can connect again. */
  disconnect(reason?: string): Promise<void>;
  /** For good. Idempotent; whatever is pending rejects with `disposed`. */
  dispose(): Promise<void>;

  /** Returns the function that takes the listener off. A listener that throws is logged and disturbs nobody. */
  on<Name extends keyof BridgeClientEvents>(
    name: Name,
    listener: (event: BridgeClientEvents[Name]) => void,
  ): () => void;

  /** Microphone audio across reconnections, until the client is disposed or the signal fires. */
  audio(options?: CallOptions): AsyncIterable<MicrophoneChunk>;
  /** False if the queue is full or no stream is up: the audio was not taken. 16 kHz mono unless told otherwise. */
  send(
    pcm: Uint8Array,
    format?: { readonly trackId?: number; readonly sampleRate?: number; readonly channels?: number },
  ): boolean;
  /** Resolves when the queue has room again; rejects when the stream ends. */
  ready(options?: CallOptions): Promise<void>;

  /** Plays a URL into the room. The last event is COMPLETED or FAILED, exactly one; leaving the loop stops the sound. */
  play(request: PlayRequest, options?: CallOptions): AsyncIterable<PlaybackEvent>;
  /** The ids of what really stopped. */
  stop(request?: StopRequest, options?: CallOptions): Promise<readonly string[]>;
  status(options?: CallOptions): Promise<BridgeStatus>;
}
