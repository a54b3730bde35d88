// Deliberate breaks: each patch in this folder breaks one rule, and the tests that it names must notice. A break that
// nobody notices, or a patch that no longer fits, is a failure. Everything happens in copies; the work tree is only read.

import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

interface Mutant {
  readonly name: string;
  readonly file: string;
  /** The rule that it breaks. */
  readonly rule: string;
  /** Test files that must notice. */
  readonly tests: readonly string[];
}

interface Outcome {
  readonly verdict: "caught" | "SURVIVED" | "DOES NOT APPLY" | "DID NOT RUN";
  /** The first test that noticed, or what went wrong. */
  readonly detail: string;
}

interface Report {
  readonly numTotalTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

const folder = dirname(fileURLToPath(import.meta.url));
const root = resolve(folder, "../..");
/** A break may make a test hang; noticing that is noticing. */
const RUN_TIMEOUT_MS = 60_000;
/** The same random lives in each run. */
const ENV = { FC_SEED: "20", FC_RUNS: "300" };

const only = process.argv.slice(2);
const mutants = readdirSync(folder)
  .filter((name) => name.endsWith(".patch") && (only.length === 0 || only.some((part) => name.includes(part))))
  .toSorted()
  .map(readMutant);

const workshop = mkdtempSync(join(tmpdir(), "mutants-"));
try {
  process.exitCode = await main();
} finally {
  rmSync(workshop, { recursive: true, force: true });
}

async function main(): Promise<number> {
  if (mutants.length === 0) {
    console.error("There is no such mutant.");
    return 1;
  }
  const benches = Array.from({ length: Math.min(mutants.length, availableParallelism(), 4) }, (_, index) =>
    setUpBench(join(workshop, String(index))),
  );
  const tests = [...new Set(mutants.flatMap((mutant) => mutant.tests))];
  const [first = ""] = benches;
  const healthy = await runTests(first, tests);
  if (healthy.verdict !== "SURVIVED") {
    console.error(`The tests fail without any break: ${healthy.detail}`);
    return 1;
  }
  const queue = [...mutants];
  const outcomes = new Map<Mutant, Outcome>();
  const work = async (bench: string): Promise<void> => {
    for (let mutant = queue.shift(); mutant; mutant = queue.shift()) {
      const outcome = await tryMutant(bench, mutant);
      outcomes.set(mutant, outcome);
      console.log(`${outcome.verdict.padEnd(14)} ${mutant.name.padEnd(34)} ${outcome.detail}`);
    }
  };
  await Promise.all(benches.map(work));
  const failures = mutants.filter((mutant) => outcomes.get(mutant)?.verdict !== "caught");
  console.log(`\n${mutants.length - failures.length} of ${mutants.length} deliberate breaks caught`);
  for (const { name, rule } of failures) console.log(`not caught: ${name}. Its rule: ${rule}`);
  return failures.length === 0 ? 0 : 1;
}

function readMutant(name: string): Mutant {
  const file = join(folder, name);
  const text = readFileSync(file, "utf8");
  const header = (key: string): string => new RegExp(`^# ${key}: (.+)$`, "m").exec(text)?.[1] ?? "";
  const tests = header("tests").split(" ");
  const missing = tests.filter((test) => !existsSync(join(root, test)));
  if (header("rule") === "" || missing.length > 0) throw new Error(`${name} must name its rule and existing tests`);
  return { name: name.replace(/\.patch$/, ""), file, rule: header("rule"), tests };
}

/** A copy of the tree as it is, uncommitted work included. Its node_modules is a folder of links, so that caches stay in it. */
function setUpBench(bench: string): string {
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root });
  for (const file of new Set(listed.toString().split("\0"))) {
    const source = join(root, file);
    if (file === "" || !existsSync(source)) continue;
    mkdirSync(dirname(join(bench, file)), { recursive: true });
    cpSync(source, join(bench, file));
  }
  mkdirSync(join(bench, "node_modules"));
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (!name.startsWith(".")) symlinkSync(join(root, "node_modules", name), join(bench, "node_modules", name));
  }
  return bench;
}

async function tryMutant(bench: string, mutant: Mutant): Promise<Outcome> {
  try {
    git(bench, ["apply", mutant.file]);
  } catch (error) {
    return { verdict: "DOES NOT APPLY", detail: error instanceof Error ? error.message : String(error) };
  }
  try {
    return await runTests(bench, mutant.tests);
  } finally {
    git(bench, ["apply", "--reverse", mutant.file]);
  }
}

/** `--git-dir` keeps git from taking a repository around the copies for theirs. */
function git(bench: string, args: readonly string[]): void {
  execFileSync("git", [`--git-dir=${join(bench, ".nowhere")}`, ...args], { cwd: bench, stdio: "pipe" });
}

async function runTests(bench: string, tests: readonly string[]): Promise<Outcome> {
  const output = join(bench, ".report.json");
  rmSync(output, { force: true });
  const vitest = join("node_modules", "vitest", "vitest.mjs");
  const options = ["--project", "fast", "--bail=1", "--reporter=json", `--outputFile=${output}`];
  const child = spawn(process.execPath, [vitest, "run", ...options, ...tests], {
    cwd: bench,
    env: { ...process.env, ...ENV },
    stdio: "ignore",
    detached: true,
  });
  const hasHung = await new Promise<boolean>((done) => {
    const timer = setTimeout(() => {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      done(true);
    }, RUN_TIMEOUT_MS);
    child.once("close", () => {
      clearTimeout(timer);
      done(false);
    });
  });
  if (hasHung) return { verdict: "caught", detail: `hangs for ${RUN_TIMEOUT_MS / 1000} s` };
  if (!existsSync(output)) return { verdict: "DID NOT RUN", detail: "no report was written" };
  const report = JSON.parse(readFileSync(output, "utf8")) as Report;
  if (report.numTotalTests === 0) return { verdict: "DID NOT RUN", detail: "no test was found" };
  const failed = report.testResults.flatMap((file) => file.assertionResults).find(({ status }) => status === "failed");
  if (failed) return { verdict: "caught", detail: failed.fullName };
  const isRed = child.exitCode !== 0;
  return isRed ? { verdict: "DID NOT RUN", detail: "red without a failed test" } : { verdict: "SURVIVED", detail: "" };
}
