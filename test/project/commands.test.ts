import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { projectRoot } from "./source-files.js";

/** A service as patient as ours: the first SIGTERM asks it to end, a second one ends it at once. */
const SERVICE = `
  import { writeFileSync } from "node:fs";
  const say = (text: string) => writeFileSync("said", text, { flag: "a" });
  let asked = 0;
  process.on("SIGTERM", () => {
    asked += 1;
    say("SIGTERM;");
    if (asked === 2) process.exit(9);
    setTimeout(() => { say("gone;"); process.exit(0); }, 700);
  });
  setInterval(() => {}, 1000);
  say(process.argv.slice(2).join(",") + ";");
`;

let clone: string;
let children: ChildProcess[];

beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), "commands-"));
  for (const name of [
    "package.json",
    "package-lock.json",
    ".npmrc",
    "tsconfig.json",
    "tsconfig.build.json",
    "scripts",
  ]) {
    cpSync(join(projectRoot, name), join(clone, name), { recursive: true });
  }
  symlinkSync(join(projectRoot, "node_modules"), join(clone, "node_modules"));
  for (const folder of ["src", "demo"]) mkdirSync(join(clone, folder));
  writeFileSync(join(clone, "src", "main.ts"), SERVICE);
  children = [];
});

afterEach(async () => {
  for (const child of children) if (child.pid !== undefined && child.exitCode === null) killGroup(child.pid);
  await sleep(50);
  rmSync(clone, { recursive: true, force: true });
});

function npm(...args: string[]): ChildProcess {
  // A process group of its own, as a service manager or a terminal makes one.
  const child = spawn("npm", ["--silent", ...args], { cwd: clone, detached: true, stdio: "ignore" });
  children.push(child);
  return child;
}

function killGroup(pid: number, signal: NodeJS.Signals = "SIGKILL"): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // Nothing of the group is left.
  }
}

async function said(end: string): Promise<string> {
  for (let round = 0; round < 300; round += 1) {
    try {
      const text = readFileSync(join(clone, "said"), "utf8");
      if (text.endsWith(end)) return text;
    } catch {
      // It has said nothing yet.
    }
    await sleep(50);
  }
  throw new Error(`the service did not say ${end}`);
}

describe("npm start", () => {
  it("compiles, runs the service with its arguments, and a SIGTERM to npm reaches it once", async () => {
    const child = npm("start", "--", "--inspect");
    await said("--inspect;");
    child.kill("SIGTERM");
    expect(await said("gone;")).toBe("--inspect;SIGTERM;gone;");
  });

  it("lets a SIGTERM to the whole process group reach the service once", async () => {
    const child = npm("start");
    await said(";");
    if (child.pid !== undefined) killGroup(child.pid, "SIGTERM");
    expect(await said("gone;")).toBe(";SIGTERM;gone;");
  });

  it("compiles again only when a source has changed", async () => {
    const source = join(clone, "src", "main.ts");
    const run = async (word: string) => {
      rmSync(join(clone, "said"), { force: true });
      await once(npm("start"), "exit");
      return readFileSync(join(clone, "said"), "utf8") === word;
    };
    const program = (word: string) => `import { writeFileSync } from "node:fs"; writeFileSync("said", "${word}");`;
    writeFileSync(source, program("one"));
    expect(await run("one")).toBe(true);
    // Proof that it was not compiled again: the compiled file is what we made of it.
    writeFileSync(join(clone, "dist", "main.js"), program("two"));
    expect(await run("two")).toBe(true);
    writeFileSync(source, program("three"));
    expect(await run("three")).toBe(true);
  });
});

describe("npm run demo", () => {
  it("passes arguments on, and its exit code back", async () => {
    writeFileSync(
      join(clone, "demo", "main.ts"),
      `import { writeFileSync } from "node:fs"; writeFileSync("said", process.argv.slice(2).join(",")); process.exitCode = 5;`,
    );
    const [code] = (await once(npm("run", "demo", "--", "--livekit"), "exit")) as [number];
    expect(code).toBe(5);
    expect(await said("")).toBe("--livekit");
  });
});
