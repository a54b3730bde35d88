// Typed events whose listeners cannot disturb one another or the one who tells.

import type { ClientLogger } from "./log.js";

type Listener<Event> = (event: Event) => void;

export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();
  readonly #logger: ClientLogger;

  constructor(logger: ClientLogger) {
    this.#logger = logger;
  }

  /** Returns the function that takes the listener off. The same function may be on more than once. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    const own: Listener<Events[Name]> = (event) => listener(event);
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    listeners.add(own);
    return () => listeners.delete(own);
  }

  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const listener of Array.from(this.#listeners.get(name) ?? [])) {
      try {
        (listener as Listener<Events[Name]>)(event);
      } catch (error) {
        this.#logger.error({ err: error, event: String(name) }, "A listener failed");
      }
    }
  }

  get listenerCount(): number {
    return [...this.#listeners.values()].reduce((sum, listeners) => sum + listeners.size, 0);
  }

  clear(): void {
    this.#listeners.clear();
  }
}
