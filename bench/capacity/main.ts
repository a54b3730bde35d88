// `npm run capacity`: more and more users on one bridge, on one core, until it loses packets or delays them; then half as many
// again at its door. Each step is a run of `npm run bench`.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { readFigures, writeFigures } from "../load/figures-file.js";
import type { Capacity, Crowded, Measured, Step } from "./capacity.js";
import { printCapacity, printSteps, stepOf } from "./capacity.js";

const USAGE = `npm run capacity -- [--from 20] [--step 20] [--to 400] [--seconds 20] [--json FILE]

  --from N, --to N  users to begin and to end with (20, 400)
  --step N          more users at each step (20)
  --seconds N       measured time of a step (20)
  --json FILE       write the figures there as well`;

const BENCH = fileURLToPath(new URL("../load/main.ts", import.meta.url));
/** Measured, or measured and judged invalid. */
const MEASURED_EXIT_CODES: ReadonlySet<number | null> = new Set([0, 3]);

const { values } = parseArgs({
  options: {
    from: { type: "string", default: "20" },
    step: { type: "string", default: "20" },
    to: { type: "string", default: "400" },
    seconds: { type: "string", default: "20" },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
const [from, step, to, seconds] = [values.from, values.step, values.to, values.seconds].map(Number);
if (
  values.help ||
  !from ||
  !step ||
  !to ||
  !seconds ||
  [from, step, to].some((users) => !Number.isSafeInteger(users))
) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}

const folder = mkdtempSync(join(tmpdir(), "capacity-"));
try {
  const capacity = await search();
  console.log(`\n${printCapacity(capacity)}`);
  if (values.json !== undefined) {
    const command = `npm run capacity -- --from ${from} --step ${step} --to ${to} --seconds ${seconds}`;
    writeFigures(values.json, { command, ...capacity });
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function search(): Promise<Capacity> {
  const steps: Step[] = [];
  for (let users = from ?? 0; users <= (to ?? 0); users += step ?? 1) {
    const found = stepOf(await bench(["--users", String(users)]));
    steps.push(found);
    console.log(printSteps([found]).split("\n").at(-1));
    if (found.outcome !== "carried") break;
  }
  const users = Math.max(0, ...steps.filter(({ outcome }) => outcome === "carried").map((each) => each.users));
  const last = steps.at(-1)?.outcome;
  const limit = last === "too many" ? "bridge" : last === "unknown" ? "load" : "asked for no more";
  return { steps, users, limit, crowded: users > 0 ? await crowd(users) : undefined };
}

/** A bridge that is full, and half as many again who want in. */
async function crowd(users: number): Promise<Crowded> {
  const knockers = Math.ceil(users / 2);
  const full = ["--users", String(users), "--knockers", String(knockers), "--set", `BRIDGE_SESSIONS_MAX=${users}`];
  const { packets, knocks } = await bench(full);
  return {
    users,
    knockers,
    admitted: knocks?.admitted ?? Number.NaN,
    refused: knocks?.refused ?? {},
    lost: packets?.bridge.lost ?? Number.NaN,
    addedP99Ms: packets?.addedMs.p99 ?? Number.NaN,
  };
}

async function bench(args: readonly string[]): Promise<Measured> {
  const file = join(folder, "run.json");
  const fixed = ["mic", "--phones", "lean", "--joins-per-second", "10", "--seconds", String(seconds), "--json", file];
  const child = spawn(process.execPath, ["--import", "tsx", BENCH, ...fixed, ...args], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [code] = (await once(child, "exit")) as [number | null];
  if (!MEASURED_EXIT_CODES.has(code)) throw new Error(`npm run bench -- ${args.join(" ")} ended with ${code}`);
  return readFigures(file) as Measured;
}
