// What earlier processes of a stand-in saw, and one that stands still or is gone: records outlive the process that made them.

import type { Commands, Counts, RecordedCall } from "./control.js";
import type { ControlledProcess } from "./controlled-process.js";

export type ReceivedByUser = Commands["received"][1];

export interface Snapshot {
  readonly calls: readonly RecordedCall[];
  readonly counts: Counts;
  readonly received: ReceivedByUser;
}

/** Of a process that is gone. */
export const NOTHING_OPEN = {
  connections: 0,
  streams: 0,
  streamsByUser: {},
  openCalls: { JoinRoom: 0, LeaveRoom: 0, StreamAudio: 0, PlayAudio: 0, StopAudio: 0, GetStatus: 0, HealthCheck: 0 },
  sessions: 0,
} as const;

export const NOTHING: Snapshot = {
  calls: [],
  counts: {
    ...NOTHING_OPEN,
    connectionsEver: 0,
    joins: {},
    joinsAtOnceMax: {},
    pings: 0,
    pingsByConnection: {},
    tooManyPings: 0,
    callsNotRecorded: 0,
  },
  received: {},
};

export async function takeSnapshot(child: ControlledProcess): Promise<Snapshot> {
  const [calls, counts, received] = await Promise.all([
    child.ask("calls", null),
    child.ask("counts", null),
    child.ask("received", null),
  ]);
  return { calls, counts, received };
}

/** What is open is that of the newer one; what was ever counted is that of both. */
export function addCounts(older: Counts, newer: Counts): Counts {
  return {
    ...newer,
    connectionsEver: Math.max(older.connectionsEver, newer.connectionsEver),
    joins: combine(older.joins, newer.joins, (a, b) => a + b),
    joinsAtOnceMax: combine(older.joinsAtOnceMax, newer.joinsAtOnceMax, Math.max),
    pings: older.pings + newer.pings,
    pingsByConnection: { ...older.pingsByConnection, ...newer.pingsByConnection },
    tooManyPings: older.tooManyPings + newer.tooManyPings,
    callsNotRecorded: older.callsNotRecorded + newer.callsNotRecorded,
  };
}

export function addReceived(older: ReceivedByUser, newer: ReceivedByUser): ReceivedByUser {
  const sum = { ...older };
  for (const [userId, { chunks, totals }] of Object.entries(newer)) {
    const before = older[userId];
    sum[userId] = {
      chunks: [...(before?.chunks ?? []), ...chunks],
      totals: {
        chunks: totals.chunks + (before?.totals.chunks ?? 0),
        bytes: totals.bytes + (before?.totals.bytes ?? 0),
        heartbeats: totals.heartbeats + (before?.totals.heartbeats ?? 0),
        bytesByTrack: combine(before?.totals.bytesByTrack ?? {}, totals.bytesByTrack, (a, b) => a + b),
      },
    };
  }
  return sum;
}

function combine(
  older: Readonly<Record<string, number>>,
  newer: Readonly<Record<string, number>>,
  both: (a: number, b: number) => number,
): Record<string, number> {
  const sum: Record<string, number> = { ...older };
  for (const [key, value] of Object.entries(newer)) sum[key] = both(sum[key] ?? 0, value);
  return sum;
}
