// What arrives at one end: how late, how often, in which order.

import { readMark } from "./mark.js";
import { monotonicMs } from "./monotonic.js";

/** Everything that one receiver saw in one phase. */
export interface Reception {
  /** Of each packet that came for the first time, in the order of arrival, in milliseconds. */
  readonly latenciesMs: Float64Array;
  /** Different packets, by user. */
  readonly received: readonly number[];
  readonly duplicates: number;
  /** Packets that came after one with a higher number. */
  readonly reordered: number;
  /** User 0's latencies by sequence number; not a number where none came. For comparing the same packets elsewhere. */
  readonly firstUserMs: Float64Array;
}

interface UserTally {
  readonly seen: Set<number>;
  highest: number;
}

export class Tally {
  readonly #phase: number;
  readonly #users: UserTally[];
  readonly #latenciesMs: number[] = [];
  readonly #firstUserMs: number[] = [];
  #duplicates = 0;
  #reordered = 0;

  constructor(phase: number, users: number) {
    this.#phase = phase;
    this.#users = Array.from({ length: users }, () => ({ seen: new Set<number>(), highest: -1 }));
  }

  take(payload: Uint8Array, nowMs = monotonicMs()): void {
    const mark = readMark(payload);
    const tally = mark?.phase === this.#phase ? this.#users[mark.user] : undefined;
    if (!mark || !tally) return;
    if (tally.seen.has(mark.sequence)) {
      this.#duplicates += 1;
      return;
    }
    tally.seen.add(mark.sequence);
    if (mark.sequence < tally.highest) this.#reordered += 1;
    else tally.highest = mark.sequence;
    this.#latenciesMs.push(nowMs - mark.sentAtMs);
    if (mark.user === 0) this.#firstUserMs[mark.sequence] = nowMs - mark.sentAtMs;
  }

  /** Different packets so far. */
  get count(): number {
    return this.#latenciesMs.length;
  }

  reception(): Reception {
    return {
      latenciesMs: Float64Array.from(this.#latenciesMs),
      received: this.#users.map(({ seen }) => seen.size),
      duplicates: this.#duplicates,
      reordered: this.#reordered,
      firstUserMs: Float64Array.from(this.#firstUserMs, (value) => value ?? Number.NaN),
    };
  }
}
