// How many users a process carries: the largest number at which nothing is lost and the added p99 stays under a bound.

import type { Verdict } from "../load/judge.js";
import type { Report } from "../load/report.js";

export interface Step {
  readonly users: number;
  readonly lost: number;
  readonly addedP95Ms: number;
  readonly addedP99Ms: number;
  /** Of the bridge, percent of a core. */
  readonly cpuPercent: number;
  /** Of the cores that carry the load. */
  readonly loadPercent: number;
  /** Why the run says nothing of the bridge; empty when it does. */
  readonly invalid: readonly string[];
  readonly outcome: Outcome;
}

/** `unknown`: phones, server and client had no more to give. */
export type Outcome = "carried" | "too many" | "unknown";

export interface Crowded {
  readonly users: number;
  readonly knockers: number;
  readonly admitted: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly lost: number;
  readonly addedP99Ms: number;
}

export interface Capacity {
  readonly steps: readonly Step[];
  /** The most that were carried. */
  readonly users: number;
  /** What ended the search. */
  readonly limit: "bridge" | "load" | "asked for no more";
  readonly crowded: Crowded | undefined;
}

export const ADDED_P99_MAX_MS = 25;

export interface Measured extends Report {
  readonly verdict: Verdict;
  readonly settings: { readonly users: number; readonly cores: { readonly load: readonly number[] } };
}

export function stepOf(run: Measured): Step {
  const { packets, load, verdict, settings } = run;
  const lost = packets?.bridge.lost ?? Number.NaN;
  const addedP99Ms = packets?.addedMs.p99 ?? Number.NaN;
  const isCarried = lost === 0 && addedP99Ms < ADDED_P99_MAX_MS;
  const { user = Number.NaN, system = 0 } = load?.ownCpuPercent ?? {};
  const busy = settings.cores.load.map((core) => load?.corePercent[core] ?? 0);
  return {
    users: settings.users,
    lost,
    addedP95Ms: packets?.addedMs.p95 ?? Number.NaN,
    addedP99Ms,
    cpuPercent: user + system,
    loadPercent: busy.reduce((sum, each) => sum + each, 0) / Math.max(1, busy.length),
    invalid: verdict.reasons,
    // What was carried was carried, however little the rest of the machine had left.
    outcome: isCarried ? "carried" : verdict.isValid ? "too many" : "unknown",
  };
}

const fixed = (value: number, digits: number) => (Number.isNaN(value) ? "n/a" : value.toFixed(digits));

export function printSteps(steps: readonly Step[]): string {
  const head = ["users", "lost", "added p95", "added p99", "bridge CPU", "load's cores", ""];
  const rows = steps.map((step) => [
    String(step.users),
    fixed(step.lost, 0),
    `${fixed(step.addedP95Ms, 2)} ms`,
    `${fixed(step.addedP99Ms, 2)} ms`,
    `${fixed(step.cpuPercent, 0)} %`,
    `${fixed(step.loadPercent, 0)} %`,
    step.outcome === "unknown" ? `unknown: ${step.invalid[0] ?? ""}` : step.outcome,
  ]);
  return [head, ...rows]
    .map((cells) => cells.map((cell, at) => (at < 6 ? cell.padStart(13) : `  ${cell}`)).join(""))
    .join("\n");
}

export function printCapacity({ steps, users, limit, crowded }: Capacity): string {
  const ended = {
    bridge: "more were too many for the bridge",
    load: "more did not fit on the cores of phones, server and client, so the bridge may carry more",
    "asked for no more": "no more were asked for",
  }[limit];
  const refusals = Object.entries(crowded?.refused ?? {}).map(([code, count]) => `${count} ${code}`);
  return [
    printSteps(steps),
    "",
    `carried: ${users} users with nothing lost and an added p99 below ${ADDED_P99_MAX_MS} ms; ${ended}`,
    ...(crowded
      ? [
          `with ${crowded.knockers} more at the door of a bridge that takes ${crowded.users}: ${crowded.admitted} let in, refused ${refusals.join(", ") || "none"};`,
          `those inside lost ${crowded.lost} packets, added p99 ${fixed(crowded.addedP99Ms, 2)} ms`,
        ]
      : []),
  ].join("\n");
}
