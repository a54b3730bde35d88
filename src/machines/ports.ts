// The ports through which machines touch the world. A port is handed over once, inside an event or an input; every method
// is total (never throws, never returns a promise) and every reply settles exactly once, later calls are no-ops.

import type { SessionMedia, UplinkChunk } from "../audio/session-media.js";

/** Why a session ended; what GetStatus and `bridge-end-reason` say. */
export type EndReason =
  | "left"
  | "replaced"
  | "cancelled"
  | "stream_error"
  | "send_timeout"
  | "inactivity"
  | "zombie"
  | "duplicate_identity"
  | "participant_removed"
  | "room_deleted"
  | "server_shutdown"
  | "connection_lost"
  | "drain"
  | "join_failed"
  | "internal_error";

/** Anything that still owes its caller an answer. */
export interface Settleable {
  readonly isSettled: boolean;
  /** Answers with an internal error if nothing has been answered yet: the last resort when a session crashes. */
  abandon(): void;
}

/** Which join of which client a call belongs to, so that a call that was long under way harms no newer session. */
export interface JoinStamp {
  /** Unique for each client object. */
  readonly client: string;
  /** Grows with each of its joins. */
  readonly number: number;
}

export interface JoinRequest {
  readonly userId: string;
  readonly roomName: string;
  readonly token: string;
  readonly url: string;
  /** Identity whose packets are the microphone; empty means everybody's. */
  readonly targetIdentity: string;
  readonly stamp?: JoinStamp | undefined;
}

export interface JoinSuccess {
  readonly participantId: string;
  readonly participantCount: number;
  readonly generation: number;
}

export interface JoinReply extends Settleable {
  succeed(success: JoinSuccess): void;
  /** In-band: `success=false`, `error="failed to connect to room: <message>"`. */
  fail(message: string): void;
  /** The whole call is refused with a gRPC status. */
  refuse(status: "UNAVAILABLE" | "RESOURCE_EXHAUSTED", message: string): void;
}

export interface LeaveReply extends Settleable {
  succeed(): void;
  fail(message: string): void;
}

export type StreamStatus =
  | "OK"
  | "CANCELLED"
  | "UNAVAILABLE"
  | "DEADLINE_EXCEEDED"
  | "INVALID_ARGUMENT"
  | "RESOURCE_EXHAUSTED"
  | "NOT_FOUND"
  | "INTERNAL";

/** How a StreamAudio call ends, as its client sees it. */
export interface StreamEnd {
  readonly status: StreamStatus;
  readonly details: string;
  /** Trailing metadata `bridge-end-reason`. */
  readonly reason: string;
}

/** What proves a peer alive. Written by the data plane on every chunk, read by the inactivity timer when it wakes. */
export interface PeerActivity {
  /** Monotonic milliseconds of the last chunk in either direction. */
  lastAtMs: number;
  /** Empty chunks after the first message. From the second on the peer is held to the inactivity limit. */
  heartbeats: number;
  /** The bridge itself has stopped reading (its uplink queue is full): silence proves nothing. */
  isHeld: boolean;
}

export interface StreamHandlers {
  /** A chunk with audio. Returns false when the stream should pause until `resume`. */
  audio(chunk: UplinkChunk): boolean;
  /** An empty chunk after the first message. */
  heartbeat(isEchoed: boolean): void;
  halfClosed(): void;
  cancelled(cause: string): void;
  /** A chunk that the contract refuses. */
  invalid(end: StreamEnd): void;
}

/** One StreamAudio call. */
export interface StreamPort extends Settleable {
  /** Unique in the process; only the current attachment's end may end the session. */
  readonly attachment: number;
  readonly activity: PeerActivity;
  /** Cancelled before it was connected: nobody is there any more. */
  readonly isGone: boolean;
  /** Sends the initial metadata and begins to read. What happened before is told at once. Returns the disconnect. */
  connect(handlers: StreamHandlers): () => void;
  /** Writes one chunk; an empty payload is the echo of a heartbeat. `taken` is called when the transport has taken it. */
  write(payload: Uint8Array, taken: () => void): void;
  resume(): void;
  end(end: StreamEnd): void;
}

export interface PlaybackRequest {
  readonly requestId: string;
  readonly url: string;
  /** 0 is silence, 1 leaves the level as it is, more is clamped. */
  readonly volume: number;
  /** Ends every other playback of the user first. */
  readonly stopOther: boolean;
  readonly trackId: number;
}

export type PlaybackStatus =
  | "CANCELLED"
  | "DATA_LOSS"
  | "DEADLINE_EXCEEDED"
  | "FAILED_PRECONDITION"
  | "INTERNAL"
  | "INVALID_ARGUMENT"
  | "NOT_FOUND"
  | "PERMISSION_DENIED"
  | "RESOURCE_EXHAUSTED"
  | "UNAVAILABLE"
  | "UNIMPLEMENTED";

export interface PlaybackFailure {
  readonly status: PlaybackStatus;
  /** What a person reads in the FAILED event. */
  readonly message: string;
}

/** One PlayAudio call. Exactly one of `complete` and `fail` settles it; what comes later is nothing. */
export interface PlaybackPort extends Settleable {
  readonly request: PlaybackRequest;
  started(): void;
  /** Format, sample rate, channels, bytes: in the metadata of the events that follow. */
  describe(media: Readonly<Record<string, string>>): void;
  progress(positionMs: number, durationMs: number | undefined): void;
  complete(durationMs: number): void;
  fail(failure: PlaybackFailure): void;
}

/** StopAudio: which playbacks, and the answer with the ids of those that really stopped. */
export interface StopReply extends Settleable {
  succeed(stoppedRequestIds: readonly string[]): void;
  fail(message: string): void;
}

/** A connected room as the rest of the session sees it. */
export type RoomPort = SessionMedia;

/** Everything a session holds outside XState. Aborted on every end, also on a crash that skips XState's own clean-up. */
export interface SessionScope {
  readonly signal: AbortSignal;
  /** Answers `port` with an internal error should the scope be aborted before somebody else has answered it. */
  own(port: Settleable): void;
  abort(): void;
}

export interface SessionEnd {
  readonly reason: EndReason;
  /** What a person reads in the log and in a failed join. */
  readonly message: string;
}

/** A session's label, in every report. */
export interface SessionLabel {
  readonly userId: string;
  readonly generation: number;
  readonly roomName: string;
}

/** Told of everything that happens, to log and to count it. Total. */
export interface SessionObserver {
  replacing(label: SessionLabel): void;
  /** `durationMs`: from JoinRoom to its answer. */
  joined(label: SessionLabel, success: JoinSuccess, durationMs: number): void;
  joinFailed(label: SessionLabel, end: SessionEnd): void;
  streamStarted(label: SessionLabel, attachment: number): void;
  streamEnded(label: SessionLabel, attachment: number, end: StreamEnd): void;
  reconnecting(label: SessionLabel): void;
  reconnected(label: SessionLabel): void;
  closing(label: SessionLabel, end: SessionEnd): void;
  closed(label: SessionLabel, end: SessionEnd): void;
  crashed(label: SessionLabel, error: unknown): void;
  refused(userId: string, message: string): void;
  playbackRequested(label: SessionLabel, request: PlaybackRequest): void;
  playbackBegan(label: SessionLabel, request: PlaybackRequest, media: Readonly<Record<string, string>>): void;
  /** `failure` undefined: played to its end. */
  playbackEnded(label: SessionLabel, request: PlaybackRequest, failure: PlaybackFailure | undefined): void;
}
