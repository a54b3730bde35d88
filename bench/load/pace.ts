// Sending at fixed moments: message k is due at start + k × gap, whenever the one before it went, so that lateness never
// adds up. How late each went is the measure of the generator itself.

import { monotonicMs } from "./monotonic.js";

export interface PaceClock {
  now(): number;
  wait(delayMs: number, then: () => void): void;
}

export interface Pacing {
  readonly startMs: number;
  readonly gapMs: number;
  readonly count: number;
  readonly send: (index: number) => void;
  /** Ends it before its time. */
  readonly signal?: AbortSignal;
  readonly clock?: PaceClock;
}

/** After so many in one go the event loop gets its turn, since answers have to be read as well. */
const AT_ONCE_MAX = 64;

const realClock: PaceClock = { now: monotonicMs, wait: (delayMs, then) => void setTimeout(then, delayMs) };

/** Resolves with how late each message that was sent was, in milliseconds. */
export function pace({ startMs, gapMs, count, send, signal, clock = realClock }: Pacing): Promise<Float64Array> {
  const lateMs: number[] = [];
  return new Promise((resolve, reject) => {
    let next = 0;
    const turn = (): void => {
      try {
        for (let sent = 0; next < count && sent < AT_ONCE_MAX; sent += 1) {
          const late = clock.now() - (startMs + next * gapMs);
          if (late < 0) break;
          lateMs.push(late);
          send(next);
          next += 1;
        }
      } catch (error) {
        return reject(error);
      }
      if (next === count || signal?.aborted === true) resolve(Float64Array.from(lateMs));
      else clock.wait(Math.max(0, startMs + next * gapMs - clock.now()), turn);
    };
    turn();
  });
}
