// Is the server fast enough? Only time in which somebody waits for bytes counts, so a consumer may pause for hours.
//
// Waiting spends an allowance, one millisecond each; every byte that comes earns the time that it may take at the minimum
// rate. The allowance is never more than the stall limit, so a fast start does not pay for a slow end, and a short hiccup
// does no harm. When it is spent the server has been slower than the minimum for that long.

import type { Clock } from "../../time.js";
import { FetchError } from "./fetch-error.js";

export interface PaceLimits {
  /** Longest wait for the next byte. */
  readonly stallTimeoutMs: number;
  /** 0: any rate will do. */
  readonly minimumBytesPerSecond: number;
}

export class PaceWatch {
  readonly #clock: Clock;
  readonly #limits: PaceLimits;
  #allowanceMs: number;
  #earnedBytes = 0;

  constructor(clock: Clock, limits: PaceLimits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#allowanceMs = limits.stallTimeoutMs;
  }

  /** Watches one wait. `receivedBytes` is what has come in all; `onLate` is called while the wait goes on. */
  async watch(receivedBytes: () => number, wait: Promise<void>, onLate: (error: FetchError) => void): Promise<void> {
    const { stallTimeoutMs } = this.#limits;
    this.#earn(receivedBytes());
    const isStall = this.#allowanceMs >= stallTimeoutMs;
    const startedMs = this.#clock.now();
    const timer = this.#clock.setTimeout(
      () => onLate(isStall ? this.#stalled() : this.#tooSlow()),
      isStall ? stallTimeoutMs : this.#allowanceMs,
    );
    try {
      await wait;
    } finally {
      this.#clock.clearTimeout(timer);
      this.#allowanceMs -= this.#clock.now() - startedMs;
      this.#earn(receivedBytes());
    }
  }

  #earn(receivedBytes: number): void {
    const { stallTimeoutMs, minimumBytesPerSecond } = this.#limits;
    const earnedMs =
      minimumBytesPerSecond > 0
        ? ((receivedBytes - this.#earnedBytes) * 1000) / minimumBytesPerSecond
        : Number.POSITIVE_INFINITY;
    this.#earnedBytes = receivedBytes;
    this.#allowanceMs = Math.min(Math.max(this.#allowanceMs, 0) + earnedMs, stallTimeoutMs);
  }

  #stalled(): FetchError {
    return new FetchError("timeout", `audio URL sent nothing for ${this.#limits.stallTimeoutMs / 1000} s`);
  }

  #tooSlow(): FetchError {
    const { minimumBytesPerSecond } = this.#limits;
    return new FetchError("too_slow", `audio URL is slower than ${minimumBytesPerSecond} bytes per second`);
  }
}
