// Lines through the looks: what grows, how fast, and how sure that is.

import { slopeOf } from "../load/percentiles.js";
import type { Look } from "./looks.js";
import type { Done } from "./wear.js";

/** What the heap may grow by, after collection. */
export const HEAP_MAX_MB_PER_HOUR = 2;

export interface Growth {
  readonly first: number;
  readonly last: number;
  readonly perHour: number;
  /** The 95 % bounds of that: two standard errors either way. */
  readonly lowerPerHour: number;
  readonly upperPerHour: number;
}

export type Held = "heapMb" | "residentMb" | "files" | "threads";
export type SoakGrowth = Readonly<Record<Held, Growth>>;

export function growthOf(looks: readonly Look[]): SoakGrowth {
  const of = (held: Held): Growth => {
    // A process of the tree may end while its files are counted.
    const points = looks.map((look) => ({ x: look.hours, y: look[held] })).filter(({ y }) => !Number.isNaN(y));
    const { perUnit, error } = slopeOf(points);
    return {
      first: points[0]?.y ?? Number.NaN,
      last: points.at(-1)?.y ?? Number.NaN,
      perHour: perUnit,
      lowerPerHour: perUnit - 2 * error,
      upperPerHour: perUnit + 2 * error,
    };
  };
  return { heapMb: of("heapMb"), residentMb: of("residentMb"), files: of("files"), threads: of("threads") };
}

const ROWS: readonly (readonly [Held, string])[] = [
  ["heapMb", "heap after collection, MB"],
  ["residentMb", "resident memory, MB"],
  ["files", "open files"],
  ["threads", "threads"],
];

export function printSoak(growth: SoakGrowth, done: Done, leftover: readonly string[]): string {
  const number = (value: number) => value.toFixed(2).padStart(9);
  const rows = ROWS.map(([held, name]) => {
    const { first, last, perHour, lowerPerHour, upperPerHour } = growth[held];
    return `${name.padEnd(28)}${number(first)}${number(last)}${number(perHour)}   ${lowerPerHour.toFixed(2)} to ${upperPerHour.toFixed(2)}`;
  });
  const { heapMb, residentMb } = growth;
  const joins = done.churned + done.replaced + done.rejoined;
  const verdict = heapMb.upperPerHour <= HEAP_MAX_MB_PER_HOUR ? "steady" : "NOT steady";
  return [
    `${"".padEnd(28)}${"first".padStart(9)}${"last".padStart(9)}${"per hour".padStart(9)}   95 % bounds`,
    ...rows,
    `joins: ${joins} (${done.churned} who came and left, ${done.replaced} over a session, ${done.rejoined} after a reset); resident per join ${(((residentMb.last - residentMb.first) * 1024) / Math.max(1, joins)).toFixed(1)} KB`,
    `playbacks: ${done.played}; connections reset ${done.resets} times`,
    `failures: ${done.failures.length === 0 ? "none" : [...new Set(done.failures)].join("; ")}`,
    `left over at the end: ${leftover.length === 0 ? "nothing" : leftover.join("; ")}`,
    `the heap is ${verdict}: at most ${heapMb.upperPerHour.toFixed(2)} MB/h, bound ${HEAP_MAX_MB_PER_HOUR} MB/h`,
  ].join("\n");
}
