// The runs that docs/performance.md is made of, as the benches wrote them: bench/runs/*.json.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Machine, Origin } from "../load/figures-file.js";
import { readFigures } from "../load/figures-file.js";
import type { Verdict } from "../load/judge.js";
import type { LoadOptions } from "../load/options.js";
import type { Report } from "../load/report.js";
import type { Capacity } from "../capacity/capacity.js";
import type { EventCount } from "../micro/machine-events.js";
import type { HeapFigures } from "../micro/heap.js";
import type { ScrapeFigures } from "../micro/metrics.js";
import type { Comparison } from "../micro/rounds.js";
import type { GrowthRun } from "../growth/growth.js";
import type { RecoveryRun } from "../recovery/recovery.js";
import type { SoakGrowth } from "../soak/growth.js";
import type { Done } from "../soak/wear.js";

export interface LoadRun extends Report {
  readonly mode: string;
  readonly command: string;
  readonly startedAt: string;
  readonly machine: Machine;
  readonly settings: Pick<LoadOptions, "users" | "packetsPerSecond" | "packetBytes" | "seconds">;
  readonly verdict: Verdict;
}

export interface MicroRun {
  readonly machine: { readonly node: string; readonly at: string };
  readonly rounds: number;
  readonly figures: {
    readonly downlink?: readonly Comparison[];
    readonly uplink?: readonly Comparison[];
    readonly pacer?: readonly Comparison[];
    readonly machines?: readonly EventCount[];
    readonly supervisor?: readonly Comparison[];
    readonly heap?: HeapFigures;
    readonly metrics?: readonly Comparison[];
    readonly scrape?: ScrapeFigures;
  };
}

export interface SoakRun extends Origin {
  readonly settings: {
    readonly minutes: number;
    readonly warmUpMinutes: number;
    readonly users: number;
    readonly engine?: string;
  };
  readonly growth: SoakGrowth;
  readonly done: Done;
  readonly leftover: readonly string[];
}

export interface CapacityRun extends Capacity, Origin {
  readonly command: string;
}

export interface GrowthFile extends GrowthRun, Origin {
  readonly command: string;
}

export interface RecoveryFile extends RecoveryRun, Origin {
  readonly command: string;
}

/** By name of the file. What begins with the name of another bench is that one's. */
export interface Runs {
  readonly load: ReadonlyMap<string, LoadRun>;
  readonly micro: MicroRun | undefined;
  readonly soaks: ReadonlyMap<string, SoakRun>;
  readonly capacities: ReadonlyMap<string, CapacityRun>;
  readonly growths: ReadonlyMap<string, GrowthFile>;
  readonly recoveries: ReadonlyMap<string, RecoveryFile>;
}

const FOLDER = fileURLToPath(new URL("../runs/", import.meta.url));

export function readRuns(folder = FOLDER): Runs {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => name.replace(/\.json$/, ""))
    .toSorted();
  const read = (name: string) => readFigures(join(folder, `${name}.json`));
  const rest = new Set(names);
  const of = <T>(kind: string): ReadonlyMap<string, T> => {
    const mine = names.filter((name) => name === kind || name.startsWith(`${kind}-`));
    for (const name of mine) rest.delete(name);
    return new Map(mine.map((name) => [name, read(name) as T]));
  };
  const [soaks, capacities, growths] = [of<SoakRun>("soak"), of<CapacityRun>("capacity"), of<GrowthFile>("growth")];
  const recoveries = of<RecoveryFile>("recovery");
  const micro = of<MicroRun>("micro").get("micro");
  const load = new Map([...rest].map((name) => [name, read(name) as LoadRun]));
  return { load, micro, soaks, capacities, growths, recoveries };
}
