// Many triggers, one join: for a while after a join was set off, others are refused, and at most one of them is kept to be
// run when the window ends, so that none is lost.

import type { Clock } from "../clock.js";

export class RejoinWindow {
  readonly #clock: Clock;
  readonly #windowMs: number;
  #endsAtMs = 0;
  #deferred: { readonly timer: unknown; readonly done: Promise<void>; settle(): void } | undefined;

  constructor(clock: Clock, windowMs: number) {
    this.#clock = clock;
    this.#windowMs = windowMs;
  }

  /** A join is set off now. */
  begin(): void {
    this.#endsAtMs = this.#clock.now() + this.#windowMs;
  }

  /** 0: a join may be set off. */
  get remainingMs(): number {
    return Math.max(0, this.#endsAtMs - this.#clock.now());
  }

  /** Runs `action` when the window ends; with one waiting already, it waits for that one. The action must not reject. */
  defer(action: () => Promise<unknown>): Promise<void> {
    if (this.#deferred) return this.#deferred.done;
    let settle = (): void => {};
    const done = new Promise<void>((resolve) => {
      settle = resolve;
    });
    const timer = this.#clock.setTimeout(() => {
      this.#deferred = undefined;
      void action().finally(settle);
    }, Math.ceil(this.remainingMs));
    this.#deferred = { timer, done, settle };
    return done;
  }

  /** Forgets what is deferred; who waits for it is let go. */
  close(): void {
    this.#clock.clearTimeout(this.#deferred?.timer);
    this.#deferred?.settle();
    this.#deferred = undefined;
  }
}
