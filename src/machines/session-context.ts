// What a session knows, and what its supervisor gives it. Only ids and ports; no state that a state name could say.

import type { ActorRef, Snapshot } from "xstate";
import type { SessionLimits } from "./limits.js";
import type {
  JoinReply,
  JoinRequest,
  LeaveReply,
  PlaybackPort,
  RoomPort,
  SessionEnd,
  SessionLabel,
  SessionObserver,
  SessionScope,
  StreamPort,
} from "./ports.js";
import type { SessionOutput, SessionReport } from "./session-events.js";

export type ReportTo = ActorRef<Snapshot<unknown>, SessionReport>;

export interface SessionInput {
  readonly request: JoinRequest;
  readonly reply: JoinReply;
  readonly generation: number;
  /** True while older sessions of this user still leave their rooms. */
  readonly hasPredecessor: boolean;
  readonly supervisor: ReportTo;
  readonly scope: SessionScope;
  readonly observer: SessionObserver;
  readonly limits: SessionLimits;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly wallNow: () => number;
}

/** A playback that has not been reaped. */
export interface LivePlayback {
  /** Id of the child, from a small reused set: clients choose request ids, and XState forgets no id. */
  readonly slot: string;
  readonly port: PlaybackPort;
  /** Aborted when it is reaped: a crash skips XState's own clean-up, and its sound would go on. */
  readonly scope: SessionScope;
}

export interface SessionContext extends SessionInput {
  readonly label: SessionLabel;
  /** Monotonic milliseconds of the JoinRoom. */
  readonly startedAtMs: number;
  readonly room: RoomPort | undefined;
  readonly stream: StreamPort | undefined;
  readonly leaveReply: LeaveReply | undefined;
  readonly end: SessionEnd;
  readonly playbacks: readonly LivePlayback[];
}

export function sessionContext({ input }: { input: SessionInput }): SessionContext {
  const { userId, roomName } = input.request;
  return {
    ...input,
    label: { userId, roomName, generation: input.generation },
    startedAtMs: input.now(),
    room: undefined,
    stream: undefined,
    leaveReply: undefined,
    end: { reason: "internal_error", message: "session ended without a reason" },
    playbacks: [],
  };
}

export function sessionOutput({ context }: { context: SessionContext }): SessionOutput {
  return { userId: context.request.userId, generation: context.generation, reason: context.end.reason };
}

/** Input of the actor that connects and owns the room. */
export interface RoomConnectionInput {
  readonly request: JoinRequest;
  readonly label: SessionLabel;
  readonly scope: SessionScope;
}

export type RoomConnectionCommand = { readonly type: "room.connect" } | { readonly type: "room.close" };

export function roomConnectionInput({ context }: { context: SessionContext }): RoomConnectionInput {
  return { request: context.request, label: context.label, scope: context.scope };
}

/** Input of the actor that connects one stream to the room. Both are there whenever the state is entered. */
export interface StreamAttachmentInput {
  readonly label: SessionLabel;
  readonly port: StreamPort | undefined;
  readonly room: RoomPort | undefined;
  readonly scope: SessionScope;
}

export function streamAttachmentInput({ context }: { context: SessionContext }): StreamAttachmentInput {
  return { label: context.label, port: context.stream, room: context.room, scope: context.scope };
}
