// What status queries read: a look at snapshots, never an event, so that an answer needs nobody's turn.

import type { SnapshotFrom } from "xstate";
import type { RoomPort } from "./ports.js";
import type { supervisorMachine } from "./supervisor.js";
import type { LastDisconnect } from "./supervisor-context.js";

export type SupervisorSnapshot = SnapshotFrom<typeof supervisorMachine>;

export interface UserStatus {
  readonly isConnected: boolean;
  readonly room: RoomPort | undefined;
  readonly lastDisconnect: LastDisconnect | undefined;
}

export function readUserStatus(supervisor: SupervisorSnapshot, userId: string, wallNowMs: number): UserStatus {
  const { context } = supervisor;
  const session = readSession(supervisor, context.current.get(userId));
  const remembered = context.disconnects.get(userId);
  const isFresh = remembered && wallNowMs - remembered.atMs <= context.limits.disconnectsRememberedMs;
  return {
    isConnected: session?.hasTag("connected") ?? false,
    room: session?.context.room,
    lastDisconnect: isFresh ? remembered : undefined,
  };
}

export interface SupervisorCounts {
  /** Current sessions, joining ones included. */
  readonly sessions: number;
  /** Sessions that still leave their rooms. */
  readonly closing: number;
  /** Attached StreamAudio calls. */
  readonly streams: number;
  /** Sessions whose room is connected. */
  readonly connected: number;
  /** Sessions that have lost their room's transport and regain it. */
  readonly reconnecting: number;
  readonly playbacks: number;
  /** Connected sessions whose target has sent no audio for ten seconds, or none yet: muted, or lost on the way. */
  readonly silent: number;
  readonly isDraining: boolean;
}

const SILENT_AFTER_MS = 10_000;

export function readCounts(supervisor: SupervisorSnapshot): SupervisorCounts {
  const { context } = supervisor;
  let streams = 0;
  let connected = 0;
  let reconnecting = 0;
  let playbacks = 0;
  let silent = 0;
  for (const slot of context.sessions.keys()) {
    const session = readSession(supervisor, slot);
    if (!session) continue;
    const { stream, room, now } = session.context;
    // In a drain a session has left its room and still holds its stream.
    const isAttached = session.matches({ active: { live: { peer: "attached" } } }) || session.matches("closing");
    if (stream && !stream.isSettled && isAttached) streams += 1;
    playbacks += session.context.playbacks.length;
    if (session.matches({ active: { live: { media: "reconnecting" } } })) reconnecting += 1;
    if (!session.hasTag("connected")) continue;
    connected += 1;
    if (now() - (room?.lastPacketAtMs ?? Number.NEGATIVE_INFINITY) > SILENT_AFTER_MS) silent += 1;
  }
  const sessions = context.current.size;
  const isDraining = !supervisor.matches("accepting");
  const closing = context.sessions.size - sessions;
  return { sessions, closing, streams, connected, reconnecting, playbacks, silent, isDraining };
}

function readSession(supervisor: SupervisorSnapshot, slot: string | undefined) {
  const child = slot === undefined ? undefined : supervisor.children[slot];
  return child?.getSnapshot();
}
