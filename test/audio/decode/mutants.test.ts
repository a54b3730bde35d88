import { describe, expect, it } from "vitest";
import { linesOf, runMutants } from "./mutant-run.js";
import { mutatedFormats } from "./mutations.js";

const MUTANTS = 500;
const seeds = Array.from({ length: MUTANTS }, (_, index) => index + 1);

describe("a broken file", () => {
  it.each(mutatedFormats)(
    "plays what is sound in it, or is refused in words, and harms nothing: %s",
    { timeout: 120_000 },
    async (format) => {
      const report = await runMutants(format, seeds);
      console.log(linesOf(report));
      expect(report.faults).toEqual([]);
      expect(report.keptBytes).toBeLessThan(8 * 1_048_576);
      // A mutator that breaks everything, or nothing, would try nothing.
      expect(report.played).toBeGreaterThan(MUTANTS / 10);
      expect(report.played).toBeLessThan(MUTANTS);
    },
  );
});
