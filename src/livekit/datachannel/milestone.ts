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
