// Writes docs/performance.md from the runs in bench/runs, or checks that it is fresh.
//
//   npm run performance:write, npm run performance:check

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { performancePage } from "./page.js";
import { readRuns } from "./runs.js";

const PAGE = fileURLToPath(new URL("../../docs/performance.md", import.meta.url));
const page = performancePage(readRuns());

if (process.argv.includes("--write")) writeFileSync(PAGE, page);
if (process.argv.includes("--check") && readFileSync(PAGE, "utf8") !== page) {
  process.stderr.write("docs/performance.md is stale: npm run performance:write\n");
  process.exit(1);
}
