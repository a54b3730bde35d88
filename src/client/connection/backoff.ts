// Exponential backoff with full jitter: the bound doubles, the wait is drawn below it, so that clients which failed
// together do not come back together.

import type { Random } from "../clock.js";
import type { ClientLimits } from "../limits.js";

/** Milliseconds before the attempt that follows the `failures`-th failure in a row. */
export function backoffMs(failures: number, limits: ClientLimits, random: Random): number {
  const boundMs = Math.min(limits.backoffMaxMs, limits.backoffBaseMs * 2 ** Math.min(failures - 1, 30));
  return random() * boundMs;
}
