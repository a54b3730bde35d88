// How long rooms take to be whole again, of several engines that lost the same wire at the same moment.

import type { RoomEngine } from "../../src/livekit/room.js";
import type { Spread } from "../load/percentiles.js";
import { spreadOf } from "../load/percentiles.js";

export interface Recovered {
  readonly engine: string;
  /** Milliseconds from the cut of the signal connections. */
  readonly resumedMs: Spread;
  /** Milliseconds from the moment the new server took connections. */
  readonly backMs: Spread;
  /** Rooms that ended, or were not whole again within the limit. */
  readonly lost: number;
}

export interface RecoveryRun {
  /** Of each engine, all at once. */
  readonly rooms: number;
  readonly cuts: number;
  readonly restarts: number;
  readonly engines: readonly Recovered[];
}

/** What happens to the rooms of one engine. */
export class Watch {
  readonly engine: RoomEngine;
  readonly #resumedMs: number[] = [];
  readonly #backMs: number[] = [];
  #regained: number[] = [];
  #lost = 0;

  constructor(engine: RoomEngine) {
    this.engine = engine;
  }

  get regainedCount(): number {
    return this.#regained.length;
  }

  get lostCount(): number {
    return this.#lost;
  }

  regained(): void {
    this.#regained.push(performance.now());
  }

  lost(count = 1): void {
    this.#lost += count;
  }

  /** What was regained since the last time, as times since `sinceMs`. */
  take(kind: "cut" | "restart", sinceMs: number): void {
    const times = kind === "cut" ? this.#resumedMs : this.#backMs;
    times.push(...this.#regained.map((atMs) => atMs - sinceMs));
    this.#regained = [];
  }

  get figures(): Recovered {
    const { name } = this.engine;
    return { engine: name, resumedMs: spreadOf(this.#resumedMs), backMs: spreadOf(this.#backMs), lost: this.#lost };
  }
}

export function printRecovery({ rooms, cuts, restarts, engines }: RecoveryRun): string {
  const cells = ({ count, p50, p95, max }: Spread) =>
    [count, ...[p50, p95, max].map((ms) => ms.toFixed(0))].map((cell) => String(cell).padStart(8)).join("");
  const row = (name: string, spread: Spread) => `${name.padEnd(44)}${cells(spread)}`;
  return [
    `${cuts} cuts of the signal connections and ${restarts} restarts of the server, ${rooms} rooms of each engine`,
    `${"whole again after, ms".padEnd(44)}${["n", "p50", "p95", "max"].map((name) => name.padStart(8)).join("")}`,
    ...engines.flatMap(({ engine, resumedMs, backMs, lost }) => [
      row(`${engine}: a cut signal connection`, resumedMs),
      row(`${engine}: the server is back`, backMs),
      `${`${engine}: rooms lost`.padEnd(44)}${String(lost).padStart(8)}`,
    ]),
  ].join("\n");
}
