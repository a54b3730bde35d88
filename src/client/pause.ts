// Waiting, with an end: every wait of the client is bounded by time and given up when its signal fires.

import type { Clock } from "./clock.js";
import { BridgeClientError } from "./errors.js";
import { abortedBy } from "./wire/calls.js";

/** Resolves after `delayMs`, or at once when the signal fires. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clock.clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = clock.setTimeout(done, delayMs);
    signal.addEventListener("abort", done, { once: true });
  });
}

export interface WaitLimits {
  readonly clock: Clock;
  readonly limitMs: number;
  readonly signal: AbortSignal;
  /** For error texts: `the join callback`. */
  readonly what: string;
}

/** The promise's value; rejects after `limitMs` or when the signal fires. The promise itself goes on unheard. */
export function within<T>(promise: Promise<T>, { clock, limitMs, signal, what }: WaitLimits): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    if (signal.aborted) {
      promise.catch(() => {});
      return reject(abortedBy(signal, what));
    }
    const settle = (action: () => void) => {
      clock.clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      action();
    };
    const late = () => new BridgeClientError("deadline_exceeded", `${what}: no answer within ${limitMs} ms`);
    const abort = () => settle(() => reject(abortedBy(signal, what)));
    const timer = clock.setTimeout(() => settle(() => reject(late())), limitMs);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error instanceof Error ? error : new Error(String(error)))),
    );
  });
}
