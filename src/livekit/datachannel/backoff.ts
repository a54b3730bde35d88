// Waits between attempts to regain a room: doubling, and drawn from the upper half, so that rooms which were lost together do not
// all come back in the same instant.

export interface BackoffBounds {
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** Milliseconds before the attempt that follows the `failures`-th failure in a row. */
export function backoffMs(failures: number, { backoffMinMs, backoffMaxMs, random }: BackoffBounds): number {
  const boundMs = Math.min(backoffMaxMs, backoffMinMs * 2 ** Math.min(failures - 1, 30));
  return boundMs * (0.5 + random() / 2);
}
