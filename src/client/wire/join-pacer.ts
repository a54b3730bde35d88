// Joins to one address start one after another with a pause between them: when a bridge comes back, hundreds of clients
// notice it in the same instant.

import type { Clock } from "../clock.js";
import { pause } from "../pause.js";

export class JoinPacer {
  readonly #clock: Clock;
  readonly #spacingMs: number;
  /** When the next join to an address may start. */
  readonly #nextAtMs = new Map<string, number>();

  constructor(clock: Clock, spacingMs: number) {
    this.#clock = clock;
    this.#spacingMs = spacingMs;
  }

  /** Resolves at this join's turn, or when the signal fires: the join then sees that it is not wanted any more. */
  async turn(address: string, signal: AbortSignal): Promise<void> {
    const now = this.#clock.now();
    for (const [other, nextAtMs] of this.#nextAtMs) if (nextAtMs <= now) this.#nextAtMs.delete(other);
    const turnAtMs = this.#nextAtMs.get(address) ?? now;
    this.#nextAtMs.set(address, turnAtMs + this.#spacingMs);
    if (turnAtMs > now) await pause(this.#clock, turnAtMs - now, signal);
  }
}
