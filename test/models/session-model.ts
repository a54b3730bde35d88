// What the contract says of one session, as plain data: no machine, no timer, no port. Written from the contract and not
// from the code; the numbers are written here a second time, on purpose.

export const JOIN_MS = 15_000;
export const PREDECESSOR_MS = 2_000;
export const ZOMBIE_MS = 30_000;
export const INACTIVITY_MS = 30_000;
export const RECONNECT_MS = 20_000;
export const SEND_MS = 2_000;
export const ROOM_CLOSE_MS = 5_000;
/** The contract allows 2 s on the wire; half a second of them is kept for the way. */
export const LEAVE_REPLY_MS = 1_500;
/** What an engine that cannot cancel takes to give up a connect. */
export const ENGINE_CONNECT_MS = 16_000;
const KEPT_MS = 1_000;
const QUEUE_PACKETS = 200;
/** How long after its end a late connect of the bridge's own may be why somebody was put out. */
export const STRAY_MS = 2_000;

/** Something that must be answered once: `atMs` and `answer` are set together. A final `*` stands for any text. */
export interface PortModel {
  answer: string | undefined;
  atMs: number | undefined;
}

export type EarlyEvent = "halfClosed" | "cancelled" | "invalid";

export interface StreamModel {
  readonly userId: string;
  readonly port: PortModel;
  readonly id: number;
  readonly isEchoed: boolean;
  heartbeats: number;
  lastAtMs: number;
  isTaking: boolean;
  pending: "packet" | "echo" | undefined;
  pendingSinceMs: number;
  echoesDue: number;
  echoes: number;
  readonly received: number[];
  /** What its client did before the session listened. */
  early: EarlyEvent | undefined;
}

/** A playback that is accepted and has not ended. */
export interface PlaybackModel {
  readonly port: PortModel;
  readonly requestId: string;
  readonly trackId: number;
  isOpen: boolean;
  hasBegun: boolean;
}

export type Phase = "waiting" | "connecting" | "live" | "closing" | "parted" | "over";

export interface SessionModel {
  readonly userId: string;
  readonly generation: number;
  readonly reply: PortModel;
  readonly joinedAtMs: number;
  phase: Phase;
  closingSinceMs: number;
  reason: string;
  /** What LiveKit has of it; it may outlive the session. */
  room: "none" | "pending" | "in" | "leaving" | "left";
  roomSinceMs: number;
  /** False when a newer participant of the same identity has put this one out. */
  isMember: boolean;
  /** Let in when nobody wanted it any more: for the engine the connect is over when the room is left. */
  isLate: boolean;
  outage: { readonly sinceMs: number; readonly endsAtMs: number; readonly isLost: boolean; held: number[] } | undefined;
  playbacks: PlaybackModel[];
  stream: StreamModel | undefined;
  detachedSinceMs: number;
  /** When the last stream let go of the room. */
  attachedUntilMs: number;
  /** A connect of its own that was given up may still put others out, until this. */
  strayUntilMs: number;
  queue: { readonly number: number; readonly atMs: number }[];
  dropped: number;
  tracks: Set<number>;
  leaveReply: PortModel | undefined;
}

export function createSession(
  userId: string,
  generation: number,
  reply: PortModel,
  nowMs: number,
  phase: Phase,
): SessionModel {
  return {
    userId,
    generation,
    reply,
    joinedAtMs: nowMs,
    phase,
    closingSinceMs: 0,
    reason: "",
    room: "none",
    roomSinceMs: 0,
    isMember: false,
    isLate: false,
    outage: undefined,
    playbacks: [],
    stream: undefined,
    detachedSinceMs: nowMs,
    attachedUntilMs: Number.NEGATIVE_INFINITY,
    strayUntilMs: Number.NEGATIVE_INFINITY,
    queue: [],
    dropped: 0,
    tracks: new Set(),
    leaveReply: undefined,
  };
}

/** How a stream ends when its session does, by the reason: the contract's table. */
export const STREAM_ANSWERS: Readonly<Record<string, string>> = {
  replaced: "OK",
  left: "OK",
  cancelled: "OK",
  duplicate_identity: "OK",
  participant_removed: "OK",
  room_deleted: "OK",
  server_shutdown: "UNAVAILABLE connection_lost",
  connection_lost: "UNAVAILABLE connection_lost",
  // Nobody is left to read it.
  stream_error: "*",
  send_timeout: "DEADLINE_EXCEEDED send timeout",
  inactivity: "DEADLINE_EXCEEDED stream timeout",
  drain: "UNAVAILABLE draining",
  join_failed: "NOT_FOUND*",
  internal_error: "INTERNAL internal error",
};

export const JOIN_ANSWERS: Readonly<Record<string, string>> = {
  replaced: "failed to connect to room: superseded by a newer join",
  left: "failed to connect to room: cancelled by leave",
  drain: "UNAVAILABLE draining",
};

// Audio of one session.

/** Packets that arrive in one instant: the transport takes nothing in between. */
export function deliver(session: SessionModel, numbers: readonly number[], nowMs: number): void {
  for (const number of numbers) {
    session.queue.push({ number, atMs: nowMs });
    if (session.queue.length > QUEUE_PACKETS) {
      session.queue.shift();
      // Without a stream what is too much goes as silently as what is too old.
      if (session.stream) session.dropped += 1;
    }
    if (session.stream) write(session, session.stream, nowMs);
    else forgetOld(session, nowMs);
  }
  flush(session, nowMs);
}

/** Everything that can go to the stream, goes. */
export function flush(session: SessionModel, nowMs: number): void {
  const { stream } = session;
  if (!stream) return;
  do {
    if (stream.pending && stream.isTaking) {
      if (stream.pending === "packet") stream.lastAtMs = nowMs;
      stream.pending = undefined;
    }
  } while (write(session, stream, nowMs) && stream.isTaking);
}

function write(session: SessionModel, stream: StreamModel, nowMs: number): boolean {
  if (stream.pending) return false;
  if (stream.echoesDue > 0) {
    stream.echoesDue -= 1;
    stream.echoes += 1;
    stream.pending = "echo";
  } else {
    const packet = session.queue.shift();
    if (!packet) return false;
    stream.received.push(packet.number);
    stream.pending = "packet";
  }
  stream.pendingSinceMs = nowMs;
  return true;
}

export function forgetOld(session: SessionModel, nowMs: number): void {
  // Only time without a stream makes old.
  if (nowMs - KEPT_MS < session.attachedUntilMs) return;
  session.queue = session.queue.filter(({ atMs }) => atMs >= nowMs - KEPT_MS);
}
