// Finds a write that the transport does not take. One timer at most, armed anew only when it wakes: writes only note the
// time, since there are fifty of them a second.

import type { Clock } from "../time.js";

export interface StallWatch {
  begin(): void;
  end(): void;
  stop(): void;
}

export function createStallWatch(clock: Clock, limitMs: number, stalled: () => void): StallWatch {
  let pendingSinceMs: number | undefined;
  let timer: unknown;

  function arm(delayMs: number): void {
    timer = clock.setTimeout(() => {
      timer = undefined;
      if (pendingSinceMs === undefined) return;
      const leftMs = pendingSinceMs + limitMs - clock.now();
      if (leftMs > 0) arm(leftMs);
      else stalled();
    }, delayMs);
  }

  return {
    begin() {
      pendingSinceMs = clock.now();
      if (timer === undefined) arm(limitMs);
    },
    end() {
      pendingSinceMs = undefined;
    },
    stop() {
      pendingSinceMs = undefined;
      if (timer !== undefined) clock.clearTimeout(timer);
      timer = undefined;
    },
  };
}
