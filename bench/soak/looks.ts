// What the bridge holds, looked at again and again.

import { setTimeout } from "node:timers/promises";
import { monotonicMs } from "../load/monotonic.js";
import { stockOf } from "../load/proc.js";
import type { Stage } from "../load/stage.js";
import type { HeapProbe } from "./heap-probe.js";

export interface Look {
  /** Since the first one. */
  readonly hours: number;
  readonly heapMb: number;
  readonly residentMb: number;
  readonly files: number;
  readonly threads: number;
}

export class Looks {
  readonly taken: Look[] = [];
  readonly #stage: Stage;
  readonly #heap: HeapProbe;
  readonly #tell: (line: string) => void;
  #startMs: number | undefined;

  constructor(stage: Stage, heap: HeapProbe, tell: (line: string) => void) {
    this.#stage = stage;
    this.#heap = heap;
    this.#tell = tell;
  }

  /** Until it is stopped, which waits for a look that is under way. */
  every(seconds: number): { stop(): Promise<void> } {
    const over = new AbortController();
    const looking = this.#until(over.signal, seconds * 1000);
    return {
      async stop() {
        over.abort();
        await looking;
      },
    };
  }

  async #until(signal: AbortSignal, everyMs: number): Promise<void> {
    while (!signal.aborted) {
      await this.#look();
      // It rejects when it is stopped, which is no failure.
      await setTimeout(everyMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #look(): Promise<void> {
    const heapMb = await this.#heap.collectedMb();
    const { residentMb, files, threads } = stockOf(this.#stage.bridge.pid);
    const nowMs = monotonicMs();
    this.#startMs ??= nowMs;
    const look = { hours: (nowMs - this.#startMs) / 3_600_000, heapMb, residentMb, files, threads };
    this.taken.push(look);
    const figures = `heap ${heapMb.toFixed(2)} MB, resident ${residentMb.toFixed(0)} MB, ${files} files, ${threads} threads`;
    this.#tell(`${(look.hours * 60).toFixed(1).padStart(6)} min  ${figures}`);
  }
}
