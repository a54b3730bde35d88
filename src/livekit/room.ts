// The seam to LiveKit: exactly what the bridge needs of a room, and nothing an SDK would add to it.
// Each engine (`rtc-node`, `embedded`) implements this file and passes one shared conformance suite.

/** Why LiveKit ended a room that the bridge had not asked to leave. */
export type RoomEndReason =
  | "duplicate_identity"
  | "participant_removed"
  | "room_deleted"
  | "server_shutdown"
  | "connection_lost";

/** One data packet from the room. `payload` belongs to the receiver and is never written to again. */
export interface DataPacket {
  readonly payload: Uint8Array;
  /** Undefined while the engine does not know the sender (not yet announced), or when the server's own API sent it. */
  readonly senderIdentity: string | undefined;
  readonly topic: string | undefined;
  readonly isReliable: boolean;
}

/**
 * Callbacks of one room. Called only between a successful `connect` and the room's end, never synchronously from
 * inside a call into the room, and never after `ended` or after the promise of `close` has settled.
 * A throw in a callback is caught and logged by the engine; it disturbs no other room.
 */
export interface RoomListener {
  /** The hot path: every packet of every sender, in the order of arrival. */
  packet(packet: DataPacket): void;
  /**
   * A participant has been announced. LiveKit announces a participant that publishes no track up to 3 s after its
   * first packets, so packets of an unknown sender that came before may be theirs.
   */
  participantJoined(identity: string): void;
  participantLeft(identity: string): void;
  /** The transport is lost and being regained; tracks and packets pause. */
  reconnecting(): void;
  reconnected(): void;
  /** The room is gone and released; nothing of it is left, `close` is a no-op. At most once. */
  ended(reason: RoomEndReason): void;
}

export interface ConnectRequest {
  /** ws, wss, http or https. */
  readonly url: string;
  /** Access token (JWT). It names the room and the identity. Never logged. */
  readonly token: string;
  /** Gives up. The promise of `connect` then rejects, but only once nothing is left of the attempt. */
  readonly signal: AbortSignal;
}

export interface RoomEngine {
  readonly name: "rtc-node" | "datachannel" | "embedded";
  /**
   * Joins a room and publishes nothing. Rejects with `RoomConnectError`. An attempt that cannot be cancelled
   * natively is awaited behind the scenes, its late room closed, and only then does the promise reject.
   */
  connect(request: ConnectRequest, listener: RoomListener): Promise<Room>;
  /** Live objects, for leak tests and status. */
  counts(): RoomEngineCounts;
  /** Closes what is left and frees the native part; the engine is unusable afterwards. Idempotent. */
  dispose(): Promise<void>;
}

export interface RoomEngineCounts {
  /** Rooms connected and not yet released. */
  readonly rooms: number;
  /** Connects that wait for their turn or have not settled yet, abandoned ones included. */
  readonly connecting: number;
  /** Tracks published and not yet released. */
  readonly tracks: number;
}

export interface Room {
  readonly name: string;
  /** Identity of the bridge's own participant, from the token. */
  readonly localIdentity: string;
  /** Remote participants plus one. */
  readonly participantCount: number;
  /** Identities of the remote participants known now. */
  readonly remoteIdentities: readonly string[];
  /**
   * Publishes an audio track that pulls its samples from `source`. Rejects with `TrackPublishError` when the token
   * does not allow it, on timeout (10 s), or when the room ends. Two tracks of one name are the caller's mistake.
   */
  publishTrack(name: string, format: TrackFormat, source: FrameSource): Promise<PublishedTrack>;
  /**
   * Leaves: unpublishes, releases every handle, listener and native object. Idempotent; every call gets the same
   * promise. Bounded by the engine (5 s), never rejects.
   */
  close(): Promise<void>;
}

export interface TrackFormat {
  readonly sampleRateHz: 48_000;
  readonly channels: 1 | 2;
}

/** What a published track plays. The engine's pacer pulls; a source never pushes. */
export interface FrameSource {
  /**
   * Fills `frame` (interleaved PCM16) from the start and returns how many of its elements were filled; the engine makes
   * the rest silent. 0 means idle: after a short tail of silence the engine stops pulling until `wake` is called.
   * Must not throw.
   */
  read(frame: Int16Array): number;
}

export interface PublishedTrack {
  readonly name: string;
  /** The source has samples again. Cheap, callable at any time, also after close. */
  wake(): void;
  /** Unpublishes and releases. Idempotent, never rejects, bounded by the engine. */
  close(): Promise<void>;
}

/** Why a connect failed, in a closed set that callers can act on. */
export type RoomConnectErrorCode = "invalid_url" | "unauthorized" | "unreachable" | "timeout" | "aborted" | "internal";

export class RoomConnectError extends Error {
  override readonly name = "RoomConnectError";
  readonly code: RoomConnectErrorCode;
  constructor(code: RoomConnectErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export type TrackPublishErrorCode = "not_allowed" | "timeout" | "room_ended" | "internal";

export class TrackPublishError extends Error {
  override readonly name = "TrackPublishError";
  readonly code: TrackPublishErrorCode;
  constructor(code: TrackPublishErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
