// Something that others wait for: reached once, missed once, or never. Nobody needs to be waiting when it is missed.

export class Milestone<T> {
  readonly promise: Promise<T>;
  #resolve: (value: T) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.promise.catch(() => undefined);
  }

  reach(value: T): void {
    this.#resolve(value);
  }

  miss(error: Error): void {
    this.#reject(error);
  }
}

/** An end that may come while something is waited for. It keeps nobody who has got what they waited for. */
export class End {
  readonly #waiting = new Set<Milestone<never>>();
  #error: Error | undefined;

  come(error: Error): void {
    this.#error ??= error;
    for (const each of this.#waiting) each.miss(this.#error);
  }

  /** The promise, or a rejection when the end comes first. */
  async before<T>(promise: Promise<T>): Promise<T> {
    const ended = new Milestone<never>();
    if (this.#error) ended.miss(this.#error);
    this.#waiting.add(ended);
    try {
      return await Promise.race([promise, ended.promise]);
    } finally {
      this.#waiting.delete(ended);
    }
  }
}
