import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DownlinkMeter } from "../../src/audio/downlink-meter.js";
import { Histogram } from "../../src/histogram.js";
import { watchLoopStalls } from "../../src/telemetry/loop-stalls.js";
import { createSimulatedClock } from "../support/simulated-clock.js";
import { parseExposition } from "./exposition.js";

describe("a histogram", () => {
  test("puts each value into the first bucket whose bound is not below it, and loses none", () => {
    const bounds = [0.001, 0.01, 0.1, 1];
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.double({ min: 0, max: 2, noNaN: true }), fc.constantFrom(...bounds))),
        (values) => {
          const histogram = new Histogram(bounds);
          for (const value of values) histogram.observe(value);
          const expected = [...bounds, Number.POSITIVE_INFINITY].map((bound, index) => {
            const lower = bounds[index - 1] ?? Number.NEGATIVE_INFINITY;
            return values.filter((value) => value > lower && value <= bound).length;
          });
          expect(histogram.counts).toEqual(expected);
          expect(histogram.count).toBe(values.length);
          expect(histogram.sum).toBeCloseTo(
            values.reduce((sum, value) => sum + value, 0),
            6,
          );
        },
      ),
    );
  });
});

describe("the longest queue", () => {
  test("is that of the last half minute to minute, whoever else reads it", () => {
    const meter = new DownlinkMeter();
    meter.readLongest(100_000);
    meter.queued(150);
    meter.queued(3);
    for (let atMs = 100_000; atMs < 159_000; atMs += 1000) expect([atMs, meter.readLongest(atMs)]).toEqual([atMs, 150]);
    for (let atMs = 159_000; atMs < 161_000; atMs += 500) meter.readLongest(atMs);
    meter.queued(5);
    expect(meter.readLongest(161_000)).toBe(5);
  });
});

describe("an event loop", () => {
  test("that answers in time is never stuck", async () => {
    const clock = createSimulatedClock();
    const stalls = watchLoopStalls(clock);
    for (let i = 0; i < 100; i += 1) {
      await clock.advance(100);
      expect(stalls.isStuck()).toBe(false);
    }
    expect(stalls.count).toBe(0);
    stalls.stop();
    expect(clock.pending).toBe(0);
  });

  test("that did not for a second is stuck at once, counts once, and is well again 5 s after", async () => {
    const simulated = createSimulatedClock();
    let lostMs = 0;
    // A loop that is held up: time goes on, and no timer runs.
    const clock = { ...simulated, now: () => simulated.now() + lostMs };
    const stalls = watchLoopStalls(clock);
    await simulated.advance(10_000);
    lostMs = 900;
    expect(stalls.isStuck()).toBe(false);
    lostMs = 1300;
    expect([stalls.isStuck(), stalls.count]).toEqual([true, 1]);
    await simulated.advance(4900);
    expect([stalls.isStuck(), stalls.count]).toEqual([true, 1]);
    await simulated.advance(200);
    expect([stalls.isStuck(), stalls.count]).toEqual([false, 1]);
    stalls.stop();
  });
});

describe("the strict reader of the text format", () => {
  const good = `# HELP a_total A.\n# TYPE a_total counter\na_total{x="1"} 1\na_total{x="2"} 2\n`;

  test("reads what is right", () => {
    expect(parseExposition(good).value("a_total", { x: "2" })).toBe(2);
  });

  test.each([
    ["without an end of the last line", good.slice(0, -1)],
    ["with a series twice", `${good}a_total{x="2"} 2\n`],
    ["with a metric twice", good + good],
    ["with a sample of another metric", `${good}b 2\n`],
    ["without a type", good.replace("# TYPE a_total counter\n", "")],
    ["without a help", good.replace("# HELP a_total A.\n", "")],
    ["with a type that is none", good.replace("counter", "count")],
    ["with a value that is none", good.replace("} 1", "} one")],
    ["with a label that is not quoted", good.replace(`"1"`, "1")],
    ["with a label twice", good.replace(`x="1"`, `x="1",x="3"`)],
    ["with a counter that is named like a gauge", good.replaceAll("a_total", "a")],
    ["with a counter below zero", good.replace("} 1", "} -1")],
    ["with no sample", good.split("\n").slice(0, 2).join("\n").concat("\n")],
    ["with buckets that fall", histogram(`3`, `2`, `2`)],
    ["with a count that is not the last bucket's", histogram(`1`, `2`, `3`)],
  ])("refuses a text %s", (_what, text) => {
    expect(() => parseExposition(text)).toThrow();
  });

  test("accepts a histogram whose sums hold", () => {
    expect(parseExposition(histogram("1", "2", "2")).value("h_count")).toBe(2);
  });

  function histogram(first: string, last: string, count: string): string {
    const buckets = `h_bucket{le="1"} ${first}\nh_bucket{le="+Inf"} ${last}\n`;
    return `# HELP h H.\n# TYPE h histogram\n${buckets}h_sum 1\nh_count ${count}\n`;
  }
});
