import fc from "fast-check";
import { expect, test } from "vitest";
import { backoffMs } from "../../../src/client/connection/backoff.js";
import { DEFAULT_LIMITS } from "../../../src/client/limits.js";

const limits = { ...DEFAULT_LIMITS, backoffBaseMs: 2000, backoffMaxMs: 30_000 };

test("the bound is 2 s, doubled with each failure, 30 s at most", () => {
  const bounds = [1, 2, 3, 4, 5, 6, 1000].map((failures) => backoffMs(failures, limits, () => 1));
  expect(bounds).toEqual([2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
});

test("the wait is drawn from nothing up to the bound", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (failures, drawn) => {
        const waitMs = backoffMs(failures, limits, () => drawn);
        expect(waitMs).toBeCloseTo(drawn * backoffMs(failures, limits, () => 1));
      },
    ),
  );
});
