// How late the event loop runs: the first thing to look at when audio stutters for everybody.

import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Clock } from "../time.js";

const RESOLUTION_MS = 20;
const WINDOW_MS = 30_000;

export interface LoopLag {
  /** The longest delay of the last half minute to minute, in milliseconds. Reading changes nothing for other readers. */
  readMs(): number;
  stop(): void;
}

export function watchLoopLag(clock: Clock): LoopLag {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  let windowAtMs = clock.now();
  let lastLongestMs = 0;
  return {
    readMs() {
      const longestMs = Math.max(0, histogram.max / 1e6 - RESOLUTION_MS);
      const longest = Math.max(longestMs, lastLongestMs);
      if (clock.now() - windowAtMs < WINDOW_MS) return longest;
      windowAtMs = clock.now();
      lastLongestMs = longestMs;
      histogram.reset();
      return longest;
    },
    stop: () => histogram.disable(),
  };
}
