import fc from "fast-check";
import { expect, it } from "vitest";
import { backoffMs } from "../../../src/livekit/datachannel/backoff.js";

const BOUNDS = { backoffMinMs: 100, backoffMaxMs: 1000 };
const longest = (failures: number) => backoffMs(failures, { ...BOUNDS, random: () => 1 });

it("the wait doubles with each failure, up to its bound", () => {
  expect([1, 2, 3, 4, 5, 6].map(longest)).toEqual([100, 200, 400, 800, 1000, 1000]);
});

it("a wait is drawn from the upper half of what it may be", () => {
  expect([0, 0.5, 1].map((drawn) => backoffMs(2, { ...BOUNDS, random: () => drawn }))).toEqual([100, 150, 200]);
});

it("however many failures there were, a wait is neither shorter than half the least nor longer than the most", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1 }), fc.double({ min: 0, max: 1, noNaN: true }), (failures, drawn) => {
      const waitMs = backoffMs(failures, { ...BOUNDS, random: () => drawn });
      expect(waitMs).toBeGreaterThanOrEqual(50);
      expect(waitMs).toBeLessThanOrEqual(1000);
    }),
  );
});
