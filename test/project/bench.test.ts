import { describe, expect, it } from "vitest";
import { judge } from "../../bench/load/judge.js";
import { MARK_BYTES, readMark, writeMark } from "../../bench/load/mark.js";
import { parseOptions } from "../../bench/load/options.js";
import { pace } from "../../bench/load/pace.js";
import { slopeOf, spreadOf } from "../../bench/load/percentiles.js";
import { printReport } from "../../bench/load/print.js";
import { allowedCores, coreTimes, cpuPressure } from "../../bench/load/proc.js";
import type { LoadFigures, Report } from "../../bench/load/report.js";
import { packetFigures } from "../../bench/load/report.js";
import { matchOnsets } from "../../bench/load/sounds.js";
import { Tally } from "../../bench/load/tally.js";

const PHASE = 2;

function packet(user: number, sequence: number, sentAtMs: number, bytes = 640): Buffer {
  const data = Buffer.alloc(bytes);
  writeMark(data, { phase: PHASE, user, sequence, sentAtMs });
  return data;
}

describe("the arguments of the load generator", () => {
  it("may all be left out", () => {
    expect(parseOptions([])).toMatchObject({ mode: "mic", users: 10, packetsPerSecond: 10, packetBytes: 3200 });
  });

  it.each([
    ["a mode that there is not", ["fast"], /unknown mode "fast": one of mic, idle/],
    ["two modes", ["mic", "idle"], /one mode at a time/],
    ["an option that there is not", ["--user", "3"], /--user/],
    ["a number that is none", ["--users", "many"], /--users: a whole number .*"many"/],
    ["no users", ["--users", "0"], /--users/],
    ["half a user", ["--users", "1.5"], /--users/],
    ["packets too small for their mark", ["--bytes", "19"], /--bytes/],
    ["a target without a process", ["--target", "127.0.0.1:9090"], /--target and --pid go together/],
    ["a target without a port", ["--target", "localhost", "--pid", "1"], /--target: host:port/],
    ["an environment without a value", ["--set", "LOG_LEVEL"], /--set: NAME=VALUE/],
    ["a comparison in a mode that has none", ["idle", "--compare", "bare"], /--compare/],
    ["a single user to replace", ["replace", "--users", "1"], /--users: replace needs 2/],
  ])("are refused in words: %s", (_, args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });
});

describe("a measured packet", () => {
  it("is read as it was written, whether even or odd, and when a bridge has taken the first byte of an odd one away", () => {
    const mark = { phase: PHASE, user: 7, sequence: 300, sentAtMs: 12_345.678 };
    for (const bytes of [MARK_BYTES, MARK_BYTES + 1, 640, 641]) {
      const data = Buffer.alloc(bytes);
      writeMark(data, mark);
      expect(readMark(data)).toEqual(mark);
      if (bytes % 2 === 1) {
        expect(data[0]).toBe(300 & 0xff);
        expect(readMark(data.subarray(1))).toEqual(mark);
      }
    }
  });

  it("is not found in what is not one", () => {
    expect(readMark(Buffer.alloc(640))).toBeUndefined();
    expect(readMark(Buffer.alloc(4))).toBeUndefined();
  });
});

describe("a sender", () => {
  it("keeps to its plan after a delay, and tells how late each packet was", async () => {
    let nowMs = 0;
    const sentAtMs: number[] = [];
    const clock = {
      now: () => nowMs,
      wait(delayMs: number, then: () => void) {
        // The second wait takes 25 ms too long.
        nowMs += delayMs + (sentAtMs.length === 2 ? 25 : 0);
        setImmediate(then);
      },
    };
    const lateMs = await pace({ startMs: 0, gapMs: 10, count: 6, clock, send: () => sentAtMs.push(nowMs) });
    expect(sentAtMs).toEqual([0, 10, 45, 45, 45, 50]);
    expect([...lateMs]).toEqual([0, 0, 25, 15, 5, 0]);
  });
});

describe("what arrives", () => {
  it("is told apart from what is lost, comes twice or comes late", () => {
    const bridge = new Tally(PHASE, 2);
    const control = new Tally(PHASE, 2);
    for (const [sequence, atMs] of [
      [0, 5],
      [2, 27],
      [1, 28],
      [1, 29],
    ] as const)
      bridge.take(packet(0, sequence, sequence * 10), atMs);
    bridge.take(packet(1, 0, 3), 7);
    for (const sequence of [0, 1, 2, 3]) control.take(packet(0, sequence, sequence * 10), sequence * 10 + 2);
    const { bridge: path, ...rest } = packetFigures([4, 1], bridge.reception(), control.reception());
    expect(path).toMatchObject({ sent: 5, received: 4, lost: 1, duplicates: 1, reordered: 1 });
    expect(path.latencyMs).toMatchObject({ count: 4, p50: 5, max: 18 });
    expect(rest.control).toMatchObject({ sent: 4, received: 4, lost: 0 });
    expect(rest.addedMs.p50).toBe(3);
    expect(rest.addedPerPacketMs).toMatchObject({ count: 3, p50: 5, max: 16 });
  });

  it("counts only in its own phase", () => {
    const tally = new Tally(PHASE + 1, 1);
    tally.take(packet(0, 0, 0), 1);
    expect(tally.count).toBe(0);
  });

  it("is, of tones, the first sound after each and before the next", () => {
    expect(matchOnsets([0, 1000, 2000], [60, 2080], 1000)).toEqual({ latenciesMs: [60, 80], lost: 1 });
  });
});

describe("the figures", () => {
  it("are percentiles by nearest rank", () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(spreadOf(hundred)).toEqual({ count: 100, p50: 50, p95: 95, p99: 99, max: 100 });
    expect(spreadOf([7])).toEqual({ count: 1, p50: 7, p95: 7, p99: 7, max: 7 });
    expect(spreadOf([]).p50).toBeNaN();
  });

  it("are slopes by least squares, with what chance may do to them", () => {
    const points = [0, 1, 2, 3].map((x) => ({ x, y: 5 + 2 * x + (x % 2 === 0 ? 1 : -1) }));
    expect(slopeOf(points).perUnit).toBeCloseTo(1.6);
    expect(slopeOf(points).error).toBeCloseTo(0.566, 3);
    expect(slopeOf(points.slice(0, 2)).perUnit).toBeNaN();
  });

  it("are read from Linux as it writes them", () => {
    const stat = "cpu  30 0 0 0\ncpu0 100 5 20 900 7 1 2 3 0 0\ncpu1 10 0 0 50 0 0 0 0 0 0\nintr 5\n";
    expect(coreTimes(stat).get(0)).toEqual({ busyMs: 1280, stolenMs: 30 });
    const pressure = "some avg10=73.76 avg60=43.26 avg300=43.81 total=741764296\nfull avg10=0.00 total=0\n";
    expect(cpuPressure(pressure)).toEqual({ avg10: 73.76, waitedMs: 741_764.296 });
    expect(cpuPressure("")).toBeUndefined();
    expect(allowedCores("Cpus_allowed_list:\t0-2,5\n")).toEqual([0, 1, 2, 5]);
  });
});

describe("a run", () => {
  const cores = { bridge: [0], load: [1], isPinned: true };
  const bounds = { lateP99MaxMs: 10, foreignMaxPercent: 15, loadBusyMaxPercent: 95, pressureMaxPercent: 80 };
  const spread = (value: number) => ({ count: 100, p50: value, p95: value, p99: value, max: value });
  const path = (sent: number, lost: number) => ({
    sent,
    received: sent - lost,
    lost,
    duplicates: 0,
    reordered: 0,
    latencyMs: spread(3),
  });
  const load = (changes: Partial<LoadFigures> = {}): LoadFigures => ({
    seconds: 25,
    ownCpuPercent: { user: 40, system: 8 },
    cpuPercent: { bridge: 48, phones: 30 },
    foreignCpuPercent: 4,
    corePercent: { 0: 50, 1: 70 },
    stolenPercent: 0,
    pressurePercent: 30,
    pressureAvg10Max: 35,
    own: { residentMb: 140, threads: 21, files: 300 },
    interfaceChanges: 0,
    residentMbPerHour: { perUnit: 0, error: 1 },
    lateMs: spread(1.5),
    refused: 0,
    unsent: 0,
    interruptions: 0,
    loopLagMs: 12,
    counted: { frames_received: 990, frames_sent: 985 },
    ...changes,
  });
  const report = (changes: Partial<LoadFigures> = {}, lost = 0, controlLost = 0): Report => {
    const [bridge, control] = [path(1000, lost), path(100, controlLost)];
    return { load: load(changes), packets: { bridge, control, addedMs: spread(1), addedPerPacketMs: spread(1) } };
  };
  const reasons = (changes: Report) => judge(changes, cores, bounds).reasons.join("; ");

  it("is valid when generator, control and machine kept up, whatever the bridge lost", () => {
    expect(judge(report({}, 15), cores, bounds)).toEqual({ isValid: true, reasons: [] });
  });

  it.each([
    ["the generator was late", report({ lateMs: spread(10.5) }), /late itself: p99 10.5 ms, bound 10 ms/],
    ["packets could not be sent", report({ refused: 1 }), /1 packets could not be sent/],
    ["packets stayed in the generator", report({ unsent: 6 }), /still held 6 of 100 packets/],
    ["a phone lost its room", report({ interruptions: 1 }), /lost their rooms/],
    ["the network changed", report({ interfaceChanges: 2 }), /interfaces came or went 2 times/],
    ["the control lost something", report({}, 0, 1), /the control itself lost 1 of 100/],
    ["the control heard nothing", report({}, 0, 100), /the control heard nothing/],
    ["something else ran", report({ foreignCpuPercent: 16 }), /other programs took 16 % of a core/],
    ["the load had no time left", report({ corePercent: { 0: 10, 1: 96 } }), /load's cores were 96 % busy/],
    ["the host took time away", report({ stolenPercent: 6 }), /the host took 6 %/],
    ["CPU was short beyond the bridge", report({ pressurePercent: 81 }), /waited for CPU 81 % of the time/],
  ])("is invalid, and says why, when %s", (_, broken, reason) => {
    expect(judge(broken, cores, bounds).isValid).toBe(false);
    expect(reasons(broken)).toMatch(reason);
    expect(printReport(broken, judge(broken, cores, bounds))).toMatch(reason);
  });

  it("is valid when nothing but the bridge made CPU short, on a core of its own", () => {
    const saturated = report({ pressurePercent: 99, ownCpuPercent: { user: 80, system: 15 } });
    expect(reasons(saturated)).toBe("");
  });

  it("is as invalid as the comparison in it", () => {
    const bare = { path: path(1000, 0), control: path(100, 1), load: load({ refused: 2 }), cpuRatio: 1.2 };
    expect(reasons({ ...report(), bare })).toMatch(
      /bare receiver: 2 packets could not be sent; the control itself lost 1/,
    );
  });

  it("tells packets that never reached the bridge from packets that it kept", () => {
    const text = printReport(report({}, 15), { isValid: true, reasons: [] });
    expect(text).toContain("10 never arrived there, 5 were not passed on, 0 had not come");
  });
});
