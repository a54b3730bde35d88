// Whether the event loop answers in time now: what `/readyz` is told. The lag of loop-lag.ts is the longest of a minute, too
// long to stay out of service for one stall; here a stall is forgotten soon after it.

import type { Clock } from "../time.js";

export interface LoopStalls {
  /** How often the loop was stuck. */
  readonly count: number;
  /** It is stuck, or was a moment ago. */
  isStuck(): boolean;
  stop(): void;
}

const TICK_MS = 250;
/** As long as the contract lets half a write wait: beyond it users lose audio. */
const STUCK_AFTER_MS = 1000;
/** A loop that is stuck again and again must not seem ready in between. */
const FORGET_AFTER_MS = 5000;

export function watchLoopStalls(clock: Clock): LoopStalls {
  let count = 0;
  let stuckAtMs = Number.NEGATIVE_INFINITY;
  let dueAtMs = clock.now() + TICK_MS;
  let timer = clock.setTimeout(tick, TICK_MS);

  function tick(): void {
    look();
    dueAtMs = clock.now() + TICK_MS;
    timer = clock.setTimeout(tick, TICK_MS);
  }

  function look(): void {
    const nowMs = clock.now();
    if (nowMs - dueAtMs < STUCK_AFTER_MS) return;
    count += 1;
    stuckAtMs = nowMs;
    dueAtMs = nowMs;
  }

  return {
    get count() {
      return count;
    },
    isStuck() {
      // A request can be answered before the tick that is late.
      look();
      return clock.now() - stuckAtMs < FORGET_AFTER_MS;
    },
    stop: () => clock.clearTimeout(timer),
  };
}
