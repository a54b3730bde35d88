// What the supervisor keeps: who is whose session, and a bounded memory of how the last ones ended.

import type { SupervisorLimits } from "./limits.js";
import type {
  EndReason,
  JoinReply,
  JoinRequest,
  JoinStamp,
  LeaveReply,
  PlaybackPort,
  SessionObserver,
  SessionScope,
  StreamPort,
} from "./ports.js";
import type { ChildEvent, PlaybackStop, SessionReport } from "./session-events.js";

/** What handlers, sessions and the process tell the supervisor. */
export type SupervisorEvent =
  | { readonly type: "session.join"; readonly request: JoinRequest; readonly reply: JoinReply }
  | { readonly type: "join.cancelled"; readonly userId: string; readonly reply: JoinReply }
  | (Stamped & {
      readonly type: "session.leave";
      readonly userId: string;
      readonly reason: string;
      readonly reply: LeaveReply;
    })
  | (Stamped & { readonly type: "stream.open"; readonly userId: string; readonly port: StreamPort })
  | { readonly type: "playback.request"; readonly userId: string; readonly port: PlaybackPort }
  | { readonly type: "playback.cancelled"; readonly userId: string; readonly port: PlaybackPort }
  | (PlaybackStop & { readonly userId: string })
  | { readonly type: "drain" }
  | SessionReport
  | ChildEvent;

interface Stamped {
  /** Of the join after which the call was made; clients of old send none. */
  readonly stamp?: JoinStamp | undefined;
}

/** A child, from its spawning until it is reaped; also while it closes and is nobody's current session any more. */
export interface SessionEntry {
  /** Id of the child, from a reused set: XState remembers every id it has heard from, for ever. */
  readonly slot: string;
  readonly userId: string;
  readonly roomName: string;
  readonly generation: number;
  readonly stamp: JoinStamp | undefined;
  readonly scope: SessionScope;
  /** In a drain: the room is left and the stream waits to be released. */
  readonly hasParted: boolean;
}

export interface LastDisconnect {
  readonly generation: number;
  readonly reason: EndReason;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

export interface SupervisorInput {
  readonly limits: SupervisorLimits;
  readonly observer: SessionObserver;
  readonly createScope: () => SessionScope;
  readonly now: () => number;
  readonly wallNow: () => number;
}

/** What grows with the sessions is changed in place: when everybody comes or ends at once, copies would hold the process up. */
export interface SupervisorContext extends SupervisorInput {
  /** By slot. */
  readonly sessions: Map<string, SessionEntry>;
  /** The slot of each user's current session. */
  readonly current: Map<string, string>;
  /** Slots below the highest that nobody holds any more. */
  readonly freeSlots: string[];
  readonly disconnects: Map<string, LastDisconnect>;
  readonly lastGeneration: number;
}

export interface SupervisorOutput {
  /** Sessions that had not left their rooms when the budget was spent. */
  readonly abandoned: number;
}

export function supervisorContext({ input }: { input: SupervisorInput }): SupervisorContext {
  const nothing = { sessions: new Map(), current: new Map(), freeSlots: [], disconnects: new Map() };
  return { ...input, ...nothing, lastGeneration: 0 };
}

export function supervisorOutput({ context }: { context: SupervisorContext }): SupervisorOutput {
  return { abandoned: context.sessions.size };
}

export function currentEntry(context: SupervisorContext, userId: string): SessionEntry | undefined {
  const slot = context.current.get(userId);
  return slot === undefined ? undefined : context.sessions.get(slot);
}

/**
 * Whether a call is older than the user's session: a join that this client has followed by another one, or a leave or a
 * stream that belongs to another join than the session's. It was long under way, and is not meant any more.
 */
export function isOutdated(context: SupervisorContext, event: SupervisorEvent): boolean {
  if (event.type !== "session.join" && event.type !== "session.leave" && event.type !== "stream.open") return false;
  const isJoin = event.type === "session.join";
  const stamp = isJoin ? event.request.stamp : event.stamp;
  const session = currentEntry(context, isJoin ? event.request.userId : event.userId)?.stamp;
  if (!stamp || !session) return false;
  return stamp.client === session.client ? stamp.number < session.number : !isJoin;
}

/** Ports promise not to throw; one that does must not take the supervisor along, and everybody with it. */
export function answer({ observer }: SupervisorContext, userId: string, say: () => void): void {
  try {
    say();
  } catch (error) {
    observer.crashed({ userId, generation: 0, roomName: "" }, error);
  }
}

/**
 * A slot that no child holds; there are never more of them than there were children at once. A number and nothing else,
 * since XState copies its children with each that comes or goes, and objects with such keys are copied several times faster.
 */
export function takeSlot({ freeSlots, sessions }: SupervisorContext): string {
  return freeSlots.pop() ?? String(sessions.size);
}

/** Remembers a disconnect unless a newer generation's is known, forgetting the oldest and those out of date. */
export function rememberDisconnect(context: SupervisorContext, userId: string, disconnect: LastDisconnect): void {
  const { disconnects } = context;
  const known = disconnects.get(userId);
  if (known && known.generation > disconnect.generation) return;
  disconnects.delete(userId);
  disconnects.set(userId, disconnect);
  const { disconnectsRememberedMax, disconnectsRememberedMs } = context.limits;
  for (const [oldest, { atMs }] of disconnects) {
    const isOutdated = disconnect.atMs - atMs > disconnectsRememberedMs;
    if (!isOutdated && disconnects.size <= disconnectsRememberedMax) break;
    disconnects.delete(oldest);
  }
}

/** The child is gone: nothing of it is left, but the memory of an end that nobody had told. */
export function removeEntry(context: SupervisorContext, entry: SessionEntry, reason: EndReason): void {
  const { sessions, current, freeSlots, wallNow } = context;
  const { slot, userId, generation } = entry;
  sessions.delete(slot);
  freeSlots.push(slot);
  if (current.get(userId) !== slot) return;
  current.delete(userId);
  rememberDisconnect(context, userId, { generation, reason, atMs: wallNow() });
}
