// npm run mutate [-- <mutants per format> [<format> [<first seed>]]]: 5,000 mutants of each format through the decoders.

import { linesOf, runMutants } from "./mutant-run.js";
import { mutatedFormats } from "./mutations.js";

const [count = "5000", only, firstSeed = "100000"] = process.argv.slice(2);
let hasFaults = false;
for (const format of mutatedFormats.filter((name) => only === undefined || name === only)) {
  const seeds = Array.from({ length: Number(count) }, (_, index) => Number(firstSeed) + index);
  const report = await runMutants(format, seeds);
  console.log(linesOf(report));
  hasFaults ||= report.faults.length > 0;
}
process.exitCode = hasFaults ? 1 : 0;
