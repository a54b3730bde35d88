// Joins to one address start one after another with a pause between them: when a bridge comes back, hundreds of clients
// notice it in the same instant.

import type { Clock } from "../clock.js";
import { pause } from "../pause.js";

const NEVER = new AbortController().signal;

export class JoinPacer {
  readonly #clock: Clock;
  readonly #spacingMs: number;
  /** Per address, when the pause after the last join that asked is over. */
  readonly #last = new Map<string, Promise<void>>();

  constructor(clock: Clock, spacingMs: number) {
    this.#clock = clock;
    this.#spacingMs = spacingMs;
  }

  /** Resolves at this join's turn, or when the signal fires: the join then sees that it is not wanted any more. */
  async turn(address: string, signal: AbortSignal): Promise<void> {
    const before = this.#last.get(address);
    const after = this.#pauseAfter(before);
    this.#last.set(address, after);
    void after.then(() => {
      if (this.#last.get(address) === after) this.#last.delete(address);
    });
    if (before) await Promise.race([before, aborted(signal)]);
  }

  /** Begins when the turn before is really over: a process that was held up does not make up for it by a rush. */
  async #pauseAfter(before: Promise<void> | undefined): Promise<void> {
    await before;
    await pause(this.#clock, this.#spacingMs, NEVER);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
