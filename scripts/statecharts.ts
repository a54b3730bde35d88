// `npm run statecharts:write` generates statecharts/ from the machines. `npm run statecharts:check` changes nothing and
// fails when a file there is not what the machines would give, or when a machine cannot be drawn whole.

import { fileURLToPath } from "node:url";
import { generateFiles, staleFiles, writeFiles } from "./charts/chart-files.js";
import { findProblems } from "./charts/chart-problems.js";
import { charts } from "./charts/charts.js";

const folder = fileURLToPath(new URL("../statecharts", import.meta.url));

function main(mode: string | undefined): number {
  if (mode !== "--write" && mode !== "--check") {
    console.error("usage: tsx scripts/statecharts.ts --write|--check");
    return 2;
  }
  const problems = charts.flatMap(findProblems);
  for (const problem of problems) console.error(problem);
  const files = generateFiles(charts);
  if (mode === "--write") {
    writeFiles(folder, files);
    console.log(`statecharts: ${[...files.keys()].join(", ")}`);
    return problems.length === 0 ? 0 : 1;
  }
  const stale = staleFiles(folder, files);
  for (const name of stale) console.error(`statecharts/${name} is stale: run npm run statecharts:write`);
  return problems.length + stale.length === 0 ? 0 : 1;
}

process.exitCode = main(process.argv[2]);
