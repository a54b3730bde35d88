// `npm run bench:micro [-- downlink uplink pacer opus machines supervisor heap metrics] [--rounds 30] [--json FILE]`: the
// parts of the hot path one by one, in this process and without a network. docs/measuring.md tells what they mean.

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { downlink } from "./downlink.js";
import { heap, printHeap } from "./heap.js";
import { machineEvents, printEventCounts } from "./machine-events.js";
import { metrics, printScrape, scrape } from "./metrics.js";
import { opus } from "./opus.js";
import { pacer } from "./pacer.js";
import { printComparison } from "./rounds.js";
import type { Comparison } from "./rounds.js";
import { supervisor } from "./supervisor.js";
import { uplink } from "./uplink.js";

interface Outcome {
  readonly figures: unknown;
  readonly text: string;
}

type Bench = (rounds: number) => Promise<Outcome>;

const HEAP_CYCLES = 2000;

const ofComparisons =
  (run: (rounds: number) => Promise<Comparison[]>): Bench =>
  async (rounds) => {
    const figures = await run(rounds);
    return { figures, text: figures.map(printComparison).join("\n\n") };
  };

const BENCHES: Readonly<Record<string, Bench>> = {
  downlink: ofComparisons(downlink),
  uplink: ofComparisons(uplink),
  pacer: ofComparisons(pacer),
  opus: ofComparisons(opus),
  async machines() {
    const figures = await machineEvents();
    return { figures, text: printEventCounts(figures) };
  },
  supervisor: ofComparisons(supervisor),
  async heap() {
    const figures = await heap(HEAP_CYCLES);
    return { figures, text: printHeap(figures) };
  },
  metrics: ofComparisons(metrics),
  async scrape() {
    const figures = await scrape();
    return { figures, text: printScrape(figures) };
  },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string", default: "30" }, json: { type: "string" } },
});
const rounds = Number(values.rounds);
const names = positionals.length > 0 ? positionals : Object.keys(BENCHES);
const unknown = names.filter((name) => !(name in BENCHES));
if (unknown.length > 0 || !Number.isSafeInteger(rounds) || rounds < 1) {
  console.error(`usage: npm run bench:micro -- [${Object.keys(BENCHES).join(" ")}] [--rounds 30] [--json FILE]`);
  process.exit(2);
}
const figures: Record<string, unknown> = {};
for (const name of names) {
  const outcome = await BENCHES[name]?.(rounds);
  if (!outcome) continue;
  figures[name] = outcome.figures;
  console.log(`${outcome.text}\n`);
}
if (values.json !== undefined) {
  const machine = { node: process.version, at: new Date().toISOString() };
  writeFileSync(values.json, `${JSON.stringify({ machine, rounds, figures }, undefined, 2)}\n`);
}
process.exit(0);
