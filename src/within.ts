// A bound on waiting for a promise that cannot be cancelled.

import type { Clock } from "./time.js";

/** Told apart from any value a promise can give. */
export const LATE: unique symbol = Symbol("late");

/** The promise's value, or `LATE` after `limitMs`. The promise goes on; who needs its late value keeps hold of it. */
export async function within<T>(clock: Clock, limitMs: number, promise: Promise<T>): Promise<T | typeof LATE> {
  let timer: unknown;
  const late = new Promise<typeof LATE>((resolve) => {
    timer = clock.setTimeout(() => resolve(LATE), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clock.clearTimeout(timer);
  }
}
