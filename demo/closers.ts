// What is open, closed in the reverse order of its opening. One that fails keeps none of the others open.

type Close = () => void | Promise<void>;

export class Closers {
  readonly #open: Close[] = [];
  #closed: Promise<void> | undefined;

  add(close: Close): void {
    this.#open.push(close);
  }

  /** Idempotent. Never rejects. */
  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  async #closeAll(): Promise<void> {
    for (let close = this.#open.pop(); close; close = this.#open.pop()) {
      try {
        await close();
      } catch {
        // It was on its way out already; there is nobody to tell.
      }
    }
  }
}
