import { describe, expect, it } from "vitest";
import type { Measured } from "../../bench/capacity/capacity.js";
import { ADDED_P99_MAX_MS, printCapacity, stepOf } from "../../bench/capacity/capacity.js";
import { barsOf } from "../../bench/performance/bars.js";
import { performancePage } from "../../bench/performance/page.js";
import type { Runs } from "../../bench/performance/runs.js";
import { readRuns } from "../../bench/performance/runs.js";
import { growthOf, HEAP_MAX_MB_PER_HOUR, printSoak } from "../../bench/soak/growth.js";
import { parseSoakOptions } from "../../bench/soak/options.js";
import { readProjectFile } from "./source-files.js";

const NO_RUNS: Runs = {
  load: new Map(),
  micro: undefined,
  soaks: new Map(),
  capacities: new Map(),
  growths: new Map(),
  recoveries: new Map(),
};

describe("docs/performance.md", () => {
  it("is what the runs in bench/runs say", () => {
    expect(readProjectFile("docs/performance.md"), "npm run performance:write").toBe(performancePage(readRuns()));
  });

  it("tells of each bar that has not been measured that it has not", () => {
    const bars = barsOf(NO_RUNS);
    expect(bars.length).toBeGreaterThan(5);
    expect(bars.every(({ isMet, measured }) => isMet === undefined && measured === "not measured yet")).toBe(true);
  });

  it("does not hide a bar that is missed", () => {
    const heap = { sessions: 1, kbPerSession: 151, cycles: 1, kbPerJoinAndLeave: 0.5, controlKbPerJoinAndLeave: 0 };
    const machine = { node: "v1", at: "2026-01-01" };
    const runs: Runs = { ...NO_RUNS, micro: { machine, rounds: 1, figures: { heap } } };
    const met = barsOf(runs).flatMap(({ what, isMet }) => (isMet === undefined ? [] : [[what, isMet]]));
    expect(met).toEqual([
      ["JavaScript heap of a session", false],
      ["JavaScript heap left behind by a join and leave", true],
    ]);
    expect(performancePage(runs)).toContain("**no**");
  });
});

describe("a soak", () => {
  const done = { churned: 10, replaced: 0, rejoined: 0, played: 3, resets: 1, failures: [] };
  const looks = (mbPerHour: number) =>
    Array.from({ length: 60 }, (_, i) => ({
      hours: i / 60,
      heapMb: 20 + (mbPerHour * i) / 60 + (i % 2) / 10,
      residentMb: 200,
      files: i === 7 ? Number.NaN : 40,
      threads: 20,
    }));

  it("finds a heap that grows, and how fast", () => {
    const { heapMb, files } = growthOf(looks(3));
    expect(heapMb.perHour).toBeCloseTo(3, 1);
    expect(heapMb.lowerPerHour).toBeLessThan(heapMb.perHour);
    expect(heapMb.upperPerHour).toBeGreaterThan(HEAP_MAX_MB_PER_HOUR);
    expect(files.perHour).toBe(0);
    expect(printSoak(growthOf(looks(3)), done, [])).toContain("NOT steady");
  });

  it("takes what goes up and down for steady", () => {
    expect(growthOf(looks(0)).heapMb.upperPerHour).toBeLessThan(HEAP_MAX_MB_PER_HOUR);
    expect(printSoak(growthOf(looks(0)), done, ["2 sessions"])).toContain("left over at the end: 2 sessions");
  });

  it("refuses times that are none", () => {
    expect(() => parseSoakOptions(["--minutes", "soon"], 1)).toThrow(/--minutes: a number of at least 1, not "soon"/);
    expect(parseSoakOptions(["--help"], 1)).toBeUndefined();
  });
});

describe("a step of the search for the capacity", () => {
  const run = (lost: number, p99: number, reasons: readonly string[] = []): Measured =>
    ({
      packets: { bridge: { lost }, addedMs: { p95: 1, p99 } },
      load: { ownCpuPercent: { user: 40, system: 10 }, corePercent: { 0: 50, 1: 80 } },
      verdict: { isValid: reasons.length === 0, reasons },
      settings: { users: 40, cores: { load: [1] } },
    }) as unknown as Measured;

  it("is carried when nothing is lost and the delay is small, whatever the generator says", () => {
    expect(stepOf(run(0, 3, ["late"]))).toMatchObject({ outcome: "carried", cpuPercent: 50, loadPercent: 80 });
  });

  it("is too many when packets are lost or late, and unknown when that may be the generator's doing", () => {
    expect(stepOf(run(1, 3)).outcome).toBe("too many");
    expect(stepOf(run(0, ADDED_P99_MAX_MS)).outcome).toBe("too many");
    expect(stepOf(run(1, 3, ["late"])).outcome).toBe("unknown");
  });

  it("tells whose limit ended the search", () => {
    const steps = [stepOf(run(0, 3))];
    const capacity = { steps, users: 40, limit: "load", crowded: undefined } as const;
    expect(printCapacity(capacity)).toContain("carried: 40 users");
    expect(printCapacity(capacity)).toContain("the bridge may carry more");
  });
});
