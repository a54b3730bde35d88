// What metrics want to know of every packet's way to the cloud. One object for the whole process; without metrics there is
// none, and nobody asks.

import { Histogram } from "../histogram.js";

/** Seconds. The first is "at once"; the contract allows a second of kept audio, and a slow stream up to 200 packets. */
const DELAY_BOUNDS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
/** Longer than scrapes are apart, so that none of them misses a queue that was long between two. */
const WINDOW_MS = 30_000;

export class DownlinkMeter {
  /** From a packet's arrival out of the room to its being written to gRPC. */
  readonly delaysS = new Histogram(DELAY_BOUNDS_S);
  #longest = 0;
  #longestBefore = 0;
  #windowAtMs = 0;

  /** A queue's length after a packet was put into it. */
  queued(length: number): void {
    if (length > this.#longest) this.#longest = length;
  }

  sent(waitedMs: number): void {
    this.delaysS.observe(waitedMs / 1000);
  }

  /** Packets in the longest queue of the last half minute to minute. Reading changes nothing for other readers. */
  readLongest(nowMs: number): number {
    const longest = Math.max(this.#longest, this.#longestBefore);
    if (nowMs - this.#windowAtMs < WINDOW_MS) return longest;
    this.#windowAtMs = nowMs;
    this.#longestBefore = this.#longest;
    this.#longest = 0;
    return longest;
  }
}
