// Callers of `connect` and `rejoin` who wait for the stream.

import type { JoinInfo } from "../bridge-client.js";
import type { BridgeClientError } from "../errors.js";
import { abortedBy } from "../wire/calls.js";

interface Waiter {
  /** Told of the first failure, instead of waiting for a success. */
  readonly isImpatient: boolean;
  readonly resolve: (info: JoinInfo) => void;
  readonly reject: (error: BridgeClientError) => void;
}

export class StreamWaiters {
  readonly #waiters = new Set<Waiter>();

  get count(): number {
    return this.#waiters.size;
  }

  wait(isImpatient: boolean, signal: AbortSignal | undefined, gaveUp: () => void): Promise<JoinInfo> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        waiter.reject(abortedBy(signal as AbortSignal, "connect"));
        gaveUp();
      };
      const settle = () => {
        this.#waiters.delete(waiter);
        signal?.removeEventListener("abort", abort);
      };
      const waiter: Waiter = {
        isImpatient,
        resolve: (info) => (settle(), resolve(info)),
        reject: (error) => (settle(), reject(error)),
      };
      this.#waiters.add(waiter);
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  succeeded(info: JoinInfo): void {
    for (const waiter of this.#waiters) waiter.resolve(info);
  }

  failed(error: BridgeClientError, isFinal: boolean): void {
    for (const waiter of this.#waiters) if (isFinal || waiter.isImpatient) waiter.reject(error);
  }
}
