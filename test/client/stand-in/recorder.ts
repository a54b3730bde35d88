// Remembers what the client did, within bounds.

import type { CodeName } from "./behaviour.js";
import type { ReceivedChunk, ReceivedTotals, RecordedCall } from "./control.js";

const CALLS_MAX = 20_000;
const CHUNKS_PER_USER_MAX = 20_000;
const PCM_PER_USER_MAX_BYTES = 1 << 20;
const USERS_MAX = 5_000;

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };
/** A call that may still be open. */
export type OpenRecord = Mutable<RecordedCall>;

interface Uplink {
  chunks: ReceivedChunk[];
  totals: Mutable<ReceivedTotals> & { bytesByTrack: Record<string, number> };
}

export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

export class Recorder {
  readonly calls: OpenRecord[] = [];
  callsNotRecorded = 0;
  readonly joins: Record<string, number> = {};
  readonly joinsAtOnceMax: Record<string, number> = {};
  readonly received: Record<string, Uplink> = {};
  readonly #joinsOpen = new Map<string, number>();

  begin(call: Omit<RecordedCall, "outcome" | "endedAtMs" | "code">): OpenRecord {
    const record: OpenRecord = { ...call };
    if (this.calls.length < CALLS_MAX) this.calls.push(record);
    else this.callsNotRecorded += 1;
    if (record.rpc === "JoinRoom") this.#countJoin(record.userId);
    return record;
  }

  end(record: OpenRecord, outcome: "answered" | "cancelled", code?: CodeName): void {
    if (record.outcome !== undefined) return;
    record.outcome = outcome;
    record.endedAtMs = nowMs();
    if (code !== undefined) record.code = code;
    if (record.rpc !== "JoinRoom") return;
    this.#joinsOpen.set(record.userId, (this.#joinsOpen.get(record.userId) ?? 1) - 1);
  }

  chunk(owner: string, chunk: Omit<ReceivedChunk, "pcm" | "sizeBytes">, pcm: Uint8Array): void {
    const uplink = this.#uplinkOf(owner);
    if (!uplink) return;
    const { totals, chunks } = uplink;
    const keepsPcm = pcm.length > 0 && totals.bytes + pcm.length <= PCM_PER_USER_MAX_BYTES;
    totals.chunks += 1;
    totals.bytes += pcm.length;
    totals.bytesByTrack[chunk.trackId] = (totals.bytesByTrack[chunk.trackId] ?? 0) + pcm.length;
    if (chunk.isHeartbeat) totals.heartbeats += 1;
    if (chunks.length >= CHUNKS_PER_USER_MAX) return;
    chunks.push({
      ...chunk,
      sizeBytes: pcm.length,
      ...(keepsPcm ? { pcm: Buffer.from(pcm).toString("base64") } : {}),
    });
  }

  #countJoin(userId: string): void {
    const open = (this.#joinsOpen.get(userId) ?? 0) + 1;
    this.#joinsOpen.set(userId, open);
    this.joins[userId] = (this.joins[userId] ?? 0) + 1;
    this.joinsAtOnceMax[userId] = Math.max(this.joinsAtOnceMax[userId] ?? 0, open);
  }

  #uplinkOf(userId: string): Uplink | undefined {
    const known = this.received[userId];
    if (known || Object.keys(this.received).length >= USERS_MAX) return known;
    const totals = { chunks: 0, bytes: 0, heartbeats: 0, bytesByTrack: {} };
    return (this.received[userId] = { chunks: [], totals });
  }
}
