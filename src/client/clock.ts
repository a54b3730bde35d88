// Time and chance are inputs: whatever waits, measures or draws takes them, and tests step and choose them.

export interface Clock {
  /** Milliseconds that never jump (monotonic), for durations and timeouts. */
  now(): number;
  /** Milliseconds since 1970 (wall clock), only for timestamps that leave the process. */
  wallNow(): number;
  setTimeout(handler: () => void, delayMs: number): unknown;
  clearTimeout(id: unknown): void;
}

/** A number of at least 0 and below 1. */
export type Random = () => number;

export const systemClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  setTimeout: (handler, delayMs) => setTimeout(handler, delayMs),
  clearTimeout: (id) => clearTimeout(id as NodeJS.Timeout),
};
