// Which way packets took to a server. Where UDP does not get through, joins would spend seconds on finding that out each time.

/** Servers are few; this keeps a caller who invents names from filling the memory. */
const REMEMBERED_MAX = 1000;
/** Then UDP is tried first once more: somebody may have opened it. */
const REMEMBERED_MS = 10 * 60_000;

export class WayMemory {
  readonly #now: () => number;
  /** Of servers that were reached over TCP: since when. */
  readonly #overTcpSinceMs = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  isTcpFirst(origin: string): boolean {
    const sinceMs = this.#overTcpSinceMs.get(origin);
    return sinceMs !== undefined && this.#now() - sinceMs < REMEMBERED_MS;
  }

  /** A transport has opened. */
  went(origin: string, isOverTcp: boolean): void {
    if (!isOverTcp) return void this.#overTcpSinceMs.delete(origin);
    if (this.isTcpFirst(origin)) return;
    if (this.#overTcpSinceMs.size >= REMEMBERED_MAX) this.#overTcpSinceMs.clear();
    this.#overTcpSinceMs.set(origin, this.#now());
  }
}
