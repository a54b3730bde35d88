// The client runs on Bun as well: its whole suite passes under Bun's own test runner, and no test of it is left out there.

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SUITE = "test/client/suite";
const RUN_MAX_MS = 300_000;
/** Of one test. Bun's own limit of 5 s is short for a busy machine. */
const TEST_MAX_MS = 30_000;

const running = new Set<{ kill(signal: "SIGKILL"): boolean }>();
afterAll(() => {
  for (const child of running) child.kill("SIGKILL");
});

test(
  "the client's suite passes on Bun, every test of it",
  async () => {
    const [onNode, onBun] = [await countOnNode(), await runOnBun()];
    console.log(`${onBun.passed} tests of the client passed on Bun, of ${onNode} on Node`);
    expect(onBun.code, onBun.output).toBe(0);
    expect(onNode).toBeGreaterThan(100);
    expect(onBun).toMatchObject({ passed: onNode, files: suiteFiles().length });
    expect(onBun.output).not.toMatch(/^\s*[1-9]\d* (fail|skip|todo)$/m);
  },
  RUN_MAX_MS,
);

test("the suite uses nothing of vitest that Bun does not map to its own runner", () => {
  const mapped = new Set(["afterAll", "afterEach", "beforeAll", "beforeEach", "describe", "expect", "it", "test"]);
  for (const file of [...suiteFiles(), "scene.ts"]) {
    const source = readFileSync(join(ROOT, SUITE, file), "utf8");
    const imported =
      /import \{([^}]*)\} from "vitest"/
        .exec(source)?.[1]
        ?.split(",")
        .map((name) => name.trim()) ?? [];
    expect(imported.filter((name) => name !== "" && !mapped.has(name))).toEqual([]);
    expect(/\b(test|it|describe)\.\w+\(/.exec(source)?.[0], file).toBe(undefined);
  }
});

function suiteFiles(): string[] {
  return readdirSync(join(ROOT, SUITE)).filter((file) => file.endsWith(".test.ts"));
}

async function countOnNode(): Promise<number> {
  const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs");
  const { code, output } = await run(process.execPath, [vitest, "list", SUITE, "--project", "fast", "--json"]);
  expect(code, output).toBe(0);
  return (JSON.parse(output.slice(output.indexOf("["))) as unknown[]).length;
}

async function runOnBun() {
  const { code, output } = await run(bunBinary(), ["test", "--timeout", String(TEST_MAX_MS), SUITE]);
  const passed = Number(/^\s*(\d+) pass$/m.exec(output)?.[1]);
  const files = Number(/^Ran \d+ tests? across (\d+) files?/m.exec(output)?.[1]);
  return { code, output, passed, files };
}

/** From the package of this platform, which the package `bun` brings along. Where it is missing, this throws. */
function bunBinary(): string {
  const require = createRequire(import.meta.url);
  const manifest = `@oven/bun-${process.platform === "win32" ? "windows" : process.platform}-${process.arch === "arm64" ? "aarch64" : process.arch}/package.json`;
  const file = process.platform === "win32" ? "bun.exe" : "bun";
  return join(dirname(require.resolve(manifest)), "bin", file);
}

function run(command: string, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((done, failed) => {
    const env = { ...process.env, NODE_BINARY: process.execPath, NO_COLOR: "1", FORCE_COLOR: "0" };
    const child = spawn(command, args, { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
    running.add(child);
    let output = "";
    const timer = setTimeout(() => child.kill("SIGKILL"), RUN_MAX_MS - 10_000);
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => (output += text));
    child.once("error", failed);
    child.once("close", (code) => {
      clearTimeout(timer);
      running.delete(child);
      done({ code, output });
    });
  });
}
