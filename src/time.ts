// Time is an input: everything that waits or measures takes a Clock, and tests step one.

export interface Clock {
  /** Milliseconds that never jump (monotonic), for durations and timeouts. */
  now(): number;
  /** Milliseconds since 1970 (wall clock), only for timestamps that leave the process. */
  wallNow(): number;
  /** Handlers get a number that is opaque; compatible with XState's `Clock`. */
  setTimeout(handler: () => void, delayMs: number): unknown;
  clearTimeout(id: unknown): void;
}

/** The real clock. Timers keep the process alive, as those of Node do. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  setTimeout: (handler, delayMs) => setTimeout(handler, delayMs),
  clearTimeout: (id) => clearTimeout(id as NodeJS.Timeout),
};
