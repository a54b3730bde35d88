// Encoding takes its turn: the tracks that play all want it on the same beat, and packets of microphones must not wait for all
// of them. After each slice of work the event loop goes round once.

const SLICE_MAX_MS = 2;

export class Turns {
  readonly #waiting = new Set<() => void>();
  readonly #now: () => number;
  #isRunning = false;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Runs it at once when there is time, otherwise later, in order. Adding what waits is adding nothing. Must not throw. */
  take(job: () => void): void {
    this.#waiting.add(job);
    if (this.#isRunning) return;
    this.#isRunning = true;
    queueMicrotask(() => this.#run());
  }

  /** Runs it now if it still waits. */
  hurry(job: () => void): void {
    if (this.#waiting.delete(job)) job();
  }

  drop(job: () => void): void {
    this.#waiting.delete(job);
  }

  #run(): void {
    const endMs = this.#now() + SLICE_MAX_MS;
    for (const job of this.#waiting) {
      this.#waiting.delete(job);
      job();
      if (this.#now() >= endMs) break;
    }
    if (this.#waiting.size > 0) setImmediate(() => this.#run());
    else this.#isRunning = false;
  }
}
