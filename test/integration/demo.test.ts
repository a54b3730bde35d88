import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { readSequence, writeSequence } from "../../demo/packet-mark.js";
import { Phone } from "../../demo/phone.js";
import { Reception } from "../../demo/reception.js";
import type { Verdict } from "../../demo/verdicts.js";
import { CLAIMS } from "../../demo/verdicts.js";
import { projectRoot, readProjectFile } from "../project/source-files.js";
import { eventually } from "../support/eventually.js";
import { requireLiveKitServer } from "../support/livekit-server.js";

const ESCAPE = "\u001B";
const COLUMNS_MAX = 100;

interface Demo {
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
}

/** Logs of the demos under test. */
const logFolder = mkdtempSync(join(tmpdir(), "demo-test-"));
afterAll(() => rmSync(logFolder, { recursive: true }));

const running = new Set<Demo>();
afterEach(() => {
  for (const demo of running) demo.kill("SIGKILL");
  running.clear();
});

/** As package.json runs it, but for npm's own lines. */
function startDemo(args: readonly string[], env: Record<string, string> = {}): Demo {
  const child = spawn(process.execPath, ["scripts/run.mjs", "tsx", "demo/main.ts", ...args], {
    cwd: projectRoot,
    env: { ...process.env, TMPDIR: logFolder, LIVEKIT_URL: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      said[name] += text;
    });
  }
  const demo: Demo = {
    get stdout() {
      return said.stdout;
    },
    get stderr() {
      return said.stderr;
    },
    ended: once(child, "close").then(([code]: unknown[]) => code as number | null),
    kill: (signal) => void child.kill(signal),
  };
  running.add(demo);
  return demo;
}

async function runDemo(args: readonly string[], env?: Record<string, string>) {
  const demo = startDemo(args, env);
  const exitCode = await demo.ended;
  return { exitCode, stdout: demo.stdout, stderr: demo.stderr };
}

function expectReadableSuccess({ exitCode, stdout, stderr }: Awaited<ReturnType<typeof runDemo>>): void {
  expect(stdout + stderr).not.toContain("FAILED");
  expect(exitCode).toBe(0);
  expect(stdout).not.toContain(ESCAPE);
  expect(stdout.split("\n").filter((line) => line.length > COLUMNS_MAX)).toEqual([]);
  for (const claim of CLAIMS) expect(stdout).toMatch(new RegExp(`^ {3}OK {6}${claim} {2}`, "m"));
  for (const change of [
    "session 1  joining → live(streaming, detached)",
    "session 1  live(streaming, detached) → live(streaming, attached)",
    "session 1  live(streaming, attached) → closing",
    "session 2  live(streaming, attached) → closing",
    "session 3  closing → closed",
  ]) {
    expect(stdout).toContain(change);
  }
  expect(stdout).toMatch(/^ {3}stream 1 .* dB .* packets .* KiB {2}lost 0 {2}p50 .* p95 .* ms$/m);
  expect(stdout).toMatch(/every check held, in [\d.]+ s\n$/);
}

/** Addresses that the headline names. */
function addressesIn(stdout: string): string[] {
  return [...stdout.matchAll(/127\.0\.0\.1:\d+/g)].map(([address]) => address);
}

describe("npm run demo", () => {
  it("is the command that these tests run", () => {
    expect(readProjectFile("package.json")).toContain(`"demo": "node scripts/run.mjs tsx demo/main.ts"`);
  });

  it("shows the main job on embedded rooms, ends by itself with every check held, and leaves nothing listening", async () => {
    const done = await runDemo(["--seconds", "3"]);
    expectReadableSuccess(done);
    for (const address of addressesIn(done.stdout)) await expect(fetch(`http://${address}`)).rejects.toThrow();
  });

  it("with --json prints the summary and nothing else", async () => {
    const { exitCode, stdout } = await runDemo(["--json", "--seconds", "1"]);
    const summary = JSON.parse(stdout) as { ok: boolean; engine: string; checks: Verdict[] };
    expect(summary).toMatchObject({ ok: true, engine: "embedded" });
    expect(summary.checks.map(({ claim, isOk }) => [claim, isOk])).toEqual(CLAIMS.map((claim) => [claim, true]));
    expect(exitCode).toBe(0);
  });

  it("fails with exit code 1, and says why, when LiveKit cannot be reached", async () => {
    const { exitCode, stdout } = await runDemo(["--livekit"], { LIVEKIT_URL: "ws://127.0.0.1:1" });
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/FAILED {2}phone joins .*connection error/);
    expect(stdout.match(/FAILED .* not reached/g)).toHaveLength(CLAIMS.length - 1);
    expect(stdout).toContain(`${CLAIMS.length} of ${CLAIMS.length} checks failed`);
  });

  it("says in one line how to get a LiveKit server when there is none", async () => {
    const nowhere = mkdtempSync(join(logFolder, "nowhere-"));
    const env = { PATH: nowhere, HOME: nowhere, GOPATH: nowhere, LIVEKIT_SERVER_BIN: "" };
    const { exitCode, stdout, stderr } = await runDemo(["--livekit"], env);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toMatch(/^no livekit-server found: .*set LIVEKIT_URL\n$/);
  });

  it.each([
    [["--fast"], "unknown flag: --fast\n"],
    [["--seconds", "0"], "--seconds takes a number from 1 to 600\n"],
    [["now"], "unexpected argument: now\n"],
  ])("refuses %j in one line, with exit code 2", async (args, line) => {
    expect(await runDemo(args)).toEqual({ exitCode: 2, stdout: "", stderr: line });
  });

  it("leaves at once on SIGINT, with exit code 130", async () => {
    const demo = startDemo(["--seconds", "60"]);
    await eventually("the stream is attached", () => demo.stdout.includes("→ live(streaming, attached)"), 20_000);
    const startMs = performance.now();
    demo.kill("SIGINT");
    expect(await demo.ended).toBe(130);
    expect(performance.now() - startMs).toBeLessThan(2000);
  });
});

describe.skipIf(requireLiveKitServer() === undefined)("npm run demo -- --livekit", () => {
  it("shows the same through a real server, which it stops again", async () => {
    const done = await runDemo(["--livekit", "--seconds", "3"]);
    expectReadableSuccess(done);
    expect(done.stdout).toContain("on a livekit-server of its own");
    for (const address of addressesIn(done.stdout)) await expect(fetch(`http://${address}`)).rejects.toThrow();
  });
});

describe("what the demo measures", () => {
  /** A phone whose packets are caught, in a room that nobody is in. */
  async function recordPackets(count: number) {
    const packets: Buffer[] = [];
    const phone = new Phone({
      identity: "alice",
      publishData: async (payload) => void packets.push(Buffer.from(payload)),
      heard: () => [],
      leave: async () => {},
    });
    phone.speak();
    await eventually("enough packets", () => packets.length >= count);
    await phone.leave();
    return { packets: packets.slice(0, count), reception: new Reception(phone) };
  }

  it("is nothing wrong when everything arrives as it was sent", async () => {
    const { packets, reception } = await recordPackets(5);
    for (const packet of packets) reception.accept(packet);
    expect(reception).toMatchObject({ packets: 5, bytes: 3200, lost: 0, wrong: 0, lastSequence: 5 });
  });

  it("is every packet that is lost, altered or late", async () => {
    const { packets, reception } = await recordPackets(6);
    const [first, , third, fourth, fifth, sixth] = packets;
    fifth?.writeInt16LE(0x5555, 600);
    for (const packet of [first, fourth, third, fifth, sixth]) if (packet) reception.accept(packet);
    // The second never came, the third came behind its successor, the fifth is not what was sent.
    expect(reception).toMatchObject({ packets: 5, wrong: 2, lost: 3, lastSequence: 6 });
  });

  it("tells packets apart by a number in their lowest bits", () => {
    for (const sequence of [0, 1, 0x12345678, 0xffffffff]) {
      const packet = Buffer.alloc(640, 0x7f);
      writeSequence(packet, sequence);
      expect(readSequence(packet)).toBe(sequence);
      expect(packet.every((byte) => byte === 0x7f || byte === 0x7e)).toBe(true);
    }
  });
});
