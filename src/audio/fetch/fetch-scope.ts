// One download and all that it holds: sockets, timers, an ear on the caller's signal. It stops once, for one reason, and
// then lets go of everything, whatever phase it was in.

import type { Socket } from "node:net";
import type { Clock } from "../../time.js";
import { FetchError, aborted } from "./fetch-error.js";

export class FetchScope {
  readonly #clock: Clock;
  readonly #outer: AbortSignal;
  readonly #controller = new AbortController();
  readonly #sockets = new Set<Socket>();
  #failure: FetchError | undefined;

  constructor(clock: Clock, outer: AbortSignal) {
    this.#clock = clock;
    this.#outer = outer;
    outer.addEventListener("abort", this.#onOuterAbort, { once: true });
    if (outer.aborted) this.#onOuterAbort();
  }

  /** Aborts when the download stops, at its regular end as well. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Why it was stopped; undefined while it goes on and after a regular end. */
  get failure(): FetchError | undefined {
    return this.#failure;
  }

  /** The first reason counts. None: the regular end. */
  stop(failure?: FetchError): void {
    if (this.signal.aborted) return;
    this.#failure = failure;
    this.#outer.removeEventListener("abort", this.#onOuterAbort);
    this.#controller.abort();
    for (const socket of this.#sockets) socket.destroy();
  }

  throwIfStopped(): void {
    if (this.signal.aborted) throw this.#failure ?? aborted();
  }

  /** Destroys the socket when the download stops. A socket's error without a listener would end the process. */
  own(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => this.#sockets.delete(socket));
    if (this.signal.aborted) socket.destroy();
  }

  /** Waits for `work`, at most so long; late work stops the download. What becomes of the work later is of no interest. */
  async within<T>(limitMs: number, late: string, work: () => Promise<T>): Promise<T> {
    this.throwIfStopped();
    let onStop: () => void = () => {};
    const stopped = new Promise<never>((_resolve, reject) => {
      onStop = () => reject(this.#failure ?? aborted());
      this.signal.addEventListener("abort", onStop, { once: true });
    });
    const timer = this.#clock.setTimeout(() => this.stop(new FetchError("timeout", late)), limitMs);
    try {
      return await Promise.race([work(), stopped]);
    } finally {
      this.#clock.clearTimeout(timer);
      this.signal.removeEventListener("abort", onStop);
    }
  }

  /** Resolves when no socket is left. */
  async released(): Promise<void> {
    await Promise.all([...this.#sockets].map((socket) => new Promise((resolve) => socket.once("close", resolve))));
  }

  readonly #onOuterAbort = (): void => this.stop(aborted());
}
