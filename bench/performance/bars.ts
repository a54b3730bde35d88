// What the project promises of its speed and size, and what the runs say of it.

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
    value: ({ soak }) => soak?.growth.heapMb.upperPerHour,
  },
];

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
