// What a stretch of time cost: CPU of every process, of every core, memory while it went by.

import { monotonicMs } from "./monotonic.js";
import type { Point } from "./percentiles.js";
import type { CpuTime, Stock } from "./proc.js";
import { coreTimes, cpuPressure, cpuTimeOf, isAlive, stockOf } from "./proc.js";
import type { Stage } from "./stage.js";

export interface Observation {
  readonly seconds: number;
  /** By role. */
  readonly cpu: Readonly<Record<string, CpuTime>>;
  /** Busy time, by number of the core, in milliseconds. */
  readonly busyMs: Readonly<Record<number, number>>;
  readonly stolenMs: number;
  /** Percent of the time in which something that could run had to wait; undefined where the kernel does not tell. */
  readonly pressurePercent: number | undefined;
  /** The highest average of 10 s seen meanwhile. */
  readonly pressureAvg10Max: number | undefined;
  /** Of what is measured, the bridge unless told otherwise. */
  readonly own: Stock;
  /** Resident memory of it: x in seconds, y in MB. */
  readonly residentMb: readonly Point[];
  /** How often network interfaces came or went since the start of the run. */
  readonly interfaceChanges: number;
}

const SAMPLE_EVERY_MS = 1000;

/** Of `pid` instead of the bridge, when that is what is measured. */
export async function observe<T>(
  stage: Stage,
  work: () => Promise<T>,
  pid = stage.bridge.pid,
): Promise<{ value: T; seen: Observation }> {
  if (!isAlive(pid)) throw new Error(`the measured process ${pid} is gone`);
  const startMs = monotonicMs();
  const before = take(stage);
  const residentMb: Point[] = [];
  let avg10Max = 0;
  const sample = () => {
    residentMb.push({ x: (monotonicMs() - startMs) / 1000, y: stockOf(pid).residentMb });
    avg10Max = Math.max(avg10Max, cpuPressure()?.avg10 ?? 0);
  };
  sample();
  const timer = setInterval(sample, SAMPLE_EVERY_MS);
  try {
    const value = await work();
    const seconds = (monotonicMs() - startMs) / 1000;
    const after = take(stage);
    sample();
    if (!isAlive(pid)) throw new Error(`the measured process ${pid} ended under the load`);
    return {
      value,
      seen: {
        ...between(before, after, seconds, avg10Max),
        own: stockOf(pid),
        residentMb,
        interfaceChanges: stage.interfaces.changes,
      },
    };
  } finally {
    clearInterval(timer);
  }
}

interface Reading {
  readonly cpu: ReadonlyMap<string, CpuTime>;
  readonly cores: ReturnType<typeof coreTimes>;
  readonly pressure: ReturnType<typeof cpuPressure>;
}

function take({ roles }: Stage): Reading {
  // Main's tree holds everybody it has started; alone it is what is left.
  const cpu = new Map([...roles].map(([role, pid]) => [role, cpuTimeOf(pid, role === "main")]));
  return { cpu, cores: coreTimes(), pressure: cpuPressure() };
}

function between(before: Reading, after: Reading, seconds: number, avg10Max: number) {
  const cpu: Record<string, CpuTime> = {};
  for (const [role, { userMs, systemMs }] of after.cpu) {
    const start = before.cpu.get(role) ?? { userMs: 0, systemMs: 0 };
    cpu[role] = { userMs: userMs - start.userMs, systemMs: systemMs - start.systemMs };
  }
  const busyMs: Record<number, number> = {};
  let stolenMs = 0;
  for (const [core, time] of after.cores) {
    busyMs[core] = time.busyMs - (before.cores.get(core)?.busyMs ?? 0);
    stolenMs += time.stolenMs - (before.cores.get(core)?.stolenMs ?? 0);
  }
  const waitedMs = after.pressure && before.pressure ? after.pressure.waitedMs - before.pressure.waitedMs : undefined;
  return {
    seconds,
    cpu,
    busyMs,
    stolenMs,
    pressurePercent: waitedMs === undefined ? undefined : waitedMs / (seconds * 10),
    pressureAvg10Max: after.pressure ? avg10Max : undefined,
  };
}

export const totalMs = ({ userMs, systemMs }: CpuTime) => userMs + systemMs;
