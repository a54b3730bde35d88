// What an observation of a load comes to.

import type { Observation } from "./observe.js";
import { totalMs } from "./observe.js";
import { slopeOf, spreadOf } from "./percentiles.js";
import type { LoadFigures } from "./report.js";

export interface LoadFacts {
  readonly seen: Observation;
  /** Whose CPU is charged for the packets. */
  readonly role: string;
  readonly packets?: number;
  /** "packet" by default. */
  readonly unit?: string;
  /** CPU without packets, percent of a core. */
  readonly idlePercent?: number;
  readonly lateMs?: Float64Array;
  readonly refused?: number;
  readonly unsent?: number;
  readonly interruptions?: number;
  readonly healthBefore?: Readonly<Record<string, number>>;
  readonly healthAfter?: Readonly<Record<string, number>>;
}

const SECONDS_PER_HOUR = 3600;

export function loadFigures(facts: LoadFacts): LoadFigures {
  const {
    seen,
    role,
    packets = 0,
    unit = "packet",
    idlePercent = 0,
    lateMs,
    refused = 0,
    unsent = 0,
    interruptions = 0,
  } = facts;
  const percent = (ms: number) => ms / (seen.seconds * 10);
  const own = seen.cpu[role] ?? { userMs: Number.NaN, systemMs: Number.NaN };
  const ours = Object.values(seen.cpu).reduce((sum, cpu) => sum + totalMs(cpu), 0);
  const busyMs = Object.values(seen.busyMs).reduce((sum, ms) => sum + ms, 0);
  const perHour = slopeOf(seen.residentMb);
  const idleMs = idlePercent * seen.seconds * 10;
  const perPacket = (ms: number) => (ms * 1000) / packets;
  return {
    seconds: seen.seconds,
    ownCpuPercent: { user: percent(own.userMs), system: percent(own.systemMs) },
    ...(packets > 0 && {
      unit,
      ownCpuUsPerPacket: {
        user: perPacket(own.userMs),
        system: perPacket(own.systemMs),
        beyondIdle: perPacket(totalMs(own) - idleMs),
      },
    }),
    cpuPercent: mapValues(seen.cpu, (cpu) => percent(totalMs(cpu))),
    foreignCpuPercent: Math.max(0, percent(busyMs - ours)),
    corePercent: mapValues(seen.busyMs, percent),
    stolenPercent: percent(seen.stolenMs),
    pressurePercent: seen.pressurePercent,
    pressureAvg10Max: seen.pressureAvg10Max,
    own: seen.own,
    interfaceChanges: seen.interfaceChanges,
    residentMbPerHour: { perUnit: perHour.perUnit * SECONDS_PER_HOUR, error: perHour.error * SECONDS_PER_HOUR },
    ...(lateMs && { lateMs: spreadOf(lateMs), refused, unsent, interruptions }),
    loopLagMs: facts.healthAfter?.["event_loop_lag_ms"] ?? Number.NaN,
    counted: growthOf(facts.healthBefore ?? {}, facts.healthAfter ?? {}),
  };
}

/** Counters of the bridge that only grow. */
const COUNTERS = [
  "frames_received",
  "frames_sent",
  "frames_dropped",
  "frames_lost",
  "frames_reordered",
  "uplink_bytes",
  "uplink_bytes_dropped",
  "replacements",
  "reaped",
  "crashes",
];

function growthOf(before: Readonly<Record<string, number>>, after: Readonly<Record<string, number>>) {
  const known = COUNTERS.filter((name) => after[name] !== undefined);
  return Object.fromEntries(known.map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)]));
}

function mapValues<T>(values: Readonly<Record<string, T>>, map: (value: T) => number): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value)]));
}
