// What the project promises of its speed and size, and what the runs say of it.

import type { Recovered, RecoveryRun } from "../recovery/recovery.js";
import type { Runs } from "./runs.js";

export interface Bar {
  readonly what: string;
  readonly bound: string;
  readonly measured: string;
  readonly isMet: boolean | undefined;
  /** The run that says so. */
  readonly run: string;
}

const fixed = (value: number, digits: number) => value.toFixed(digits);

interface Promised {
  readonly what: string;
  readonly unit: string;
  readonly max: number;
  readonly digits: number;
  readonly run: string;
  value(runs: Runs): number | undefined;
}

const PROMISED: readonly Promised[] = [
  {
    what: "CPU per packet, of the bare engine's under the same load",
    unit: "×",
    max: 1.25,
    digits: 2,
    run: "mic-40",
    value: ({ load }) => load.get("mic-40")?.bare?.cpuRatio,
  },
  {
    what: "packets lost at 40 users",
    unit: "",
    max: 0,
    digits: 0,
    run: "mic-40",
    value: ({ load }) => load.get("mic-40")?.packets?.bridge.lost,
  },
  {
    what: "added latency at 40 users, p95",
    unit: " ms",
    max: 5,
    digits: 2,
    run: "mic-40",
    value: ({ load }) => load.get("mic-40")?.packets?.addedMs.p95,
  },
  {
    what: "added latency at 40 users, p99",
    unit: " ms",
    max: 15,
    digits: 2,
    run: "mic-40",
    value: ({ load }) => load.get("mic-40")?.packets?.addedMs.p99,
  },
  {
    what: "packets lost at 80 users on one core",
    unit: "",
    max: 0,
    digits: 0,
    run: "mic-80",
    value: ({ load }) => load.get("mic-80")?.packets?.bridge.lost,
  },
  {
    what: "resident memory of a session",
    unit: " MB",
    max: 3,
    digits: 2,
    run: "idle-40",
    value({ load }) {
      const kb = load.get("idle-40")?.rest?.residentKbPerSession;
      return kb === undefined ? undefined : kb / 1024;
    },
  },
  {
    what: "JavaScript heap of a session",
    unit: " KB",
    max: 150,
    digits: 0,
    run: "micro",
    value: ({ micro }) => micro?.figures.heap?.kbPerSession,
  },
  {
    what: "JavaScript heap left behind by a join and leave",
    unit: " KB",
    max: 1,
    digits: 3,
    run: "micro",
    value: ({ micro }) => micro?.figures.heap?.kbPerJoinAndLeave,
  },
  {
    what: "a join and leave beside 1,000 sessions, of one beside 100",
    unit: "×",
    max: 3,
    digits: 2,
    run: "micro",
    value: ({ micro }) =>
      micro?.figures.supervisor?.[0]?.variants.find(({ name }) => name === "beside 1000 sessions")?.ratio,
  },
  {
    what: "growth of the JavaScript heap in an hour of soak, upper 95 % bound",
    unit: " MB/h",
    max: 2,
    digits: 2,
    run: "soak",
    value: ({ soaks }) => soaks.get("soak")?.growth.heapMb.upperPerHour,
  },
  {
    what: "datachannel: CPU per packet at 80 users, of rtc-node's in the same run",
    unit: "×",
    max: 0.4,
    digits: 2,
    run: "mic-80-datachannel",
    value: ({ load }) => load.get("mic-80-datachannel")?.other?.cpuRatio,
  },
  {
    what: "datachannel: CPU of a silent session",
    unit: " % of a core",
    max: 0.1,
    digits: 3,
    run: "mic-80-datachannel",
    value({ load }) {
      const cpu = load.get("mic-80-datachannel")?.rest?.idleCpuPercentPerSession;
      return cpu && cpu.user + cpu.system;
    },
  },
  {
    what: "datachannel: resident memory of a session",
    unit: " MB",
    max: 0.6,
    digits: 2,
    run: "mic-80-datachannel",
    value({ load }) {
      const kb = load.get("mic-80-datachannel")?.rest?.residentKbPerSession;
      return kb === undefined ? undefined : kb / 1024;
    },
  },
  {
    what: "datachannel: files of a session",
    unit: "",
    max: 3,
    digits: 1,
    run: "mic-80-datachannel",
    value: ({ load }) => load.get("mic-80-datachannel")?.rest?.filesPerSession,
  },
  {
    what: "datachannel: packets lost at 150 users on one core",
    unit: "",
    max: 0,
    digits: 0,
    run: "mic-150-datachannel",
    value: ({ load }) => load.get("mic-150-datachannel")?.packets?.bridge.lost,
  },
  {
    what: "datachannel: CPU at 150 users",
    unit: " % of a core",
    max: 60,
    digits: 0,
    run: "mic-150-datachannel",
    value({ load }) {
      const cpu = load.get("mic-150-datachannel")?.load?.ownCpuPercent;
      return cpu && cpu.user + cpu.system;
    },
  },
  {
    what: "datachannel: added latency at 150 users, p95",
    unit: " ms",
    max: 5,
    digits: 2,
    run: "mic-150-datachannel",
    value: ({ load }) => load.get("mic-150-datachannel")?.packets?.addedMs.p95,
  },
  {
    what: "datachannel: added latency at 150 users, p99",
    unit: " ms",
    max: 15,
    digits: 2,
    run: "mic-150-datachannel",
    value: ({ load }) => load.get("mic-150-datachannel")?.packets?.addedMs.p99,
  },
  {
    what: "datachannel: resident memory left behind by a join and leave",
    unit: " KB",
    max: 8,
    digits: 1,
    run: "growth-datachannel",
    value: ({ growths }) => growths.get("growth-datachannel")?.bridgeKb.perUnit,
  },
  {
    what: "datachannel: whole again after the signal connection was cut, p95",
    unit: " ms",
    max: 500,
    digits: 0,
    run: "recovery",
    value: ({ recoveries }) => datachannelOf(recoveries.get("recovery"))?.resumedMs.p95,
  },
  {
    what: "datachannel: whole again after the server is back, p95",
    unit: " ms",
    max: 2000,
    digits: 0,
    run: "recovery",
    value: ({ recoveries }) => datachannelOf(recoveries.get("recovery"))?.backMs.p95,
  },
];

function datachannelOf(run: RecoveryRun | undefined): Recovered | undefined {
  return run?.engines.find(({ engine }) => engine === "datachannel");
}

export function barsOf(runs: Runs): Bar[] {
  return PROMISED.map((promised) => {
    const { what, unit, max, digits, run } = promised;
    const value = promised.value(runs);
    const isKnown = value !== undefined && !Number.isNaN(value);
    const isShaky = runs.load.get(run)?.verdict.isValid === false;
    const shown = isKnown ? `${fixed(value, digits)}${unit}` : "not measured yet";
    return {
      what,
      bound: `${max}${unit}`,
      // What was carried was carried; times of such a run say nothing.
      measured: isKnown && isShaky ? `${shown}, its load at its limit` : shown,
      isMet: isKnown ? value <= max : undefined,
      run,
    };
  });
}
