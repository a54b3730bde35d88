import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
mkdirSync(join(root, ".cache"), { recursive: true });
// Inside the project, so that the tests in it find vitest.
const folder = mkdtempSync(join(root, ".cache", "reporter-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const files: Record<string, string> = {
  good: `it("a", () => {}); it("b", () => {});`,
  bad: `it("a", () => {}); it("b", () => { throw new Error("b"); });`,
  skipped: `it("a", () => {}); it["skip"]("b", () => {}); it["todo"]("c");`,
  unloadable: `import "./no-such-file.js"; it("a", () => {});`,
  hook: `describe("d", () => { beforeAll(() => { throw new Error("hook"); }); it("a", () => {}); });`,
  unhandled: `it("a", () => { void Promise.reject(new Error("nobody catches it")); });`,
  empty: ``,
};
for (const [name, body] of Object.entries(files)) {
  const imports = `import { beforeAll, describe, it } from "vitest"; void beforeAll; void describe; void it;`;
  writeFileSync(join(folder, `${name}.test.ts`), `${imports}\n${body}\n`);
}
writeFileSync(
  join(folder, "vitest.config.ts"),
  `export default { test: { include: ["*.test.ts"], reporters: ["default", ${JSON.stringify(join(root, "test/support/reporter.ts"))}] } };`,
);

async function run(names: readonly string[]): Promise<{ last: string; code: number }> {
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const env = { ...process.env, CI: "1" };
  // The outer run tells its workers who they are by environment; the inner run starts from scratch.
  for (const key of Object.keys(env)) if (key.startsWith("VITEST")) delete (env as NodeJS.ProcessEnv)[key];
  const child = spawn(process.execPath, [vitest, "run", ...names], { cwd: folder, env });
  let output = "";
  child.stdout.on("data", (data: Buffer) => (output += data.toString()));
  child.stderr.on("data", (data: Buffer) => (output += data.toString()));
  const [code] = (await once(child, "close")) as [number];
  return { last: output.trimEnd().split("\n").at(-1) ?? "", code };
}

describe("the closing line of a test run", () => {
  it.each([
    [["good"], "2 passed, 0 failed, 0 skipped", 0],
    [["good", "bad"], "3 passed, 1 failed, 0 skipped", 1],
    [["skipped"], "1 passed, 0 failed, 2 skipped", 0],
    [["good", "unloadable"], "2 passed, 1 failed, 0 skipped", 1],
    [["unhandled"], "1 passed, 1 failed, 0 skipped", 1],
    [["good", "hook"], "2 passed, 1 failed, 1 skipped", 1],
    [["empty"], "0 passed, 1 failed, 0 skipped", 1],
  ])("is last and honest for %j", async (names, line, code) => {
    await expect(run(names)).resolves.toEqual({ last: line, code });
  });
});
