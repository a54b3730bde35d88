// The closed union of what a session can be told. Types never come from a client: XState remembers each for ever.

import type { DoneActorEvent, ErrorActorEvent } from "xstate";
import type { RoomEndReason } from "../livekit/room.js";
import type {
  EndReason,
  JoinReply,
  LeaveReply,
  PlaybackPort,
  RoomPort,
  StopReply,
  StreamEnd,
  StreamPort,
} from "./ports.js";

export type SessionEvent = CommandEvent | RoomEvent | StreamEvent | FaultEvent | ChildEvent;

/** From the supervisor. */
export type CommandEvent =
  | { readonly type: "predecessor.closed" }
  | { readonly type: "join.cancelled"; readonly reply: JoinReply }
  | { readonly type: "session.supersede" }
  | { readonly type: "session.leave"; readonly reply: LeaveReply; readonly reason: string }
  | { readonly type: "session.drain" }
  | { readonly type: "session.release" }
  | { readonly type: "stream.open"; readonly port: StreamPort }
  | { readonly type: "playback.request"; readonly port: PlaybackPort }
  | { readonly type: "playback.cancelled"; readonly port: PlaybackPort }
  | PlaybackStop;

/** Ends one playback by its request id, else those of a track, else all. */
export interface PlaybackStop {
  readonly type: "playback.stop";
  readonly requestId: string;
  readonly trackId: number | undefined;
  readonly reason: string;
  readonly reply: StopReply;
}

/** From the room connection. */
export type RoomEvent =
  | { readonly type: "room.connected"; readonly room: RoomPort }
  | { readonly type: "room.failed"; readonly message: string }
  | { readonly type: "room.reconnecting" }
  | { readonly type: "room.reconnected" }
  | { readonly type: "room.ended"; readonly reason: RoomEndReason }
  | { readonly type: "room.closed" };

/** From a stream attachment. */
export type StreamEvent =
  | { readonly type: "stream.half_closed"; readonly attachment: number }
  | { readonly type: "stream.cancelled"; readonly attachment: number; readonly cause: string }
  | { readonly type: "stream.stalled"; readonly attachment: number }
  | { readonly type: "stream.invalid"; readonly attachment: number; readonly end: StreamEnd };

/** From any of the session's actors: one of its callbacks has thrown. */
export type FaultEvent = { readonly type: "session.fault"; readonly error: unknown };

/** XState's own word that a child is done or has failed. Declared as events so that the chart can name them. */
export type ChildEvent = DoneActorEvent | ErrorActorEvent;

/** What a session tells its supervisor. */
export type SessionReport =
  | {
      readonly type: "session.closing";
      readonly userId: string;
      readonly generation: number;
      readonly reason: EndReason;
      readonly atMs: number;
    }
  | { readonly type: "session.parted"; readonly userId: string; readonly generation: number };

/** What a session leaves behind. */
export interface SessionOutput {
  readonly userId: string;
  readonly generation: number;
  readonly reason: EndReason;
}
