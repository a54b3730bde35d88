import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { Stage } from "../../examples/stage.js";
import { openStage } from "../../examples/stage.js";
import { readImports } from "../project/imports.js";
import { listFiles, projectRoot, readProjectFile } from "../project/source-files.js";
import { eventually } from "../support/eventually.js";

const RUN_MAX_MS = 90_000;
/** A busy machine compiles slowly. */
const START_MAX_MS = 30_000;
/** The notice comes after 5 s; a join after a wait of 30 s at most. */
const NOTICE_MAX_MS = 15_000;
const BACK_MAX_MS = 40_000;

const running = new Set<ChildProcess>();
let stage: Stage | undefined;
afterEach(async () => {
  for (const child of running) child.kill("SIGKILL");
  running.clear();
  await stage?.close();
  stage = undefined;
});

interface Program {
  readonly output: string;
  readonly ended: Promise<number | NodeJS.Signals | null>;
  signal(signal: NodeJS.Signals): void;
}

function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Program {
  const { PATH } = process.env;
  const child = spawn(process.execPath, ["--import", "tsx", ...args], { cwd: projectRoot, env: { PATH, ...env } });
  running.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once("close", (code, signal) => {
      running.delete(child);
      resolve(code ?? signal);
    });
  });
  return {
    ended,
    signal: (signal) => void child.kill(signal),
    get output() {
      return output;
    },
  };
}

const examples = listFiles(["examples"], [".ts"]).filter((file) => !file.includes("/stage/"));
const numbered = examples.filter((file) => /\/\d+-/.test(file));

describe("an example", () => {
  it.each(numbered)(
    "%s runs by itself, shows what it claims, and ends with exit code 0",
    async (file) => {
      const program = start([file]);
      const exitCode = await program.ended;
      const claims = readProjectFile(file).match(/stage\.check\(/g) ?? [];
      const held = program.output.match(/^OK {6}/gm) ?? [];
      expect(program.output).not.toMatch(/^FAILED {2}/m);
      expect({ exitCode, held: held.length }).toEqual({ exitCode: 0, held: claims.length });
      expect(claims.length).toBeGreaterThan(0);
    },
    RUN_MAX_MS,
  );

  it.each([
    ["whose claim does not hold", `stage.check("no", false)`, /^FAILED {2}no$/m],
    ["that claims nothing", ``, /^$/],
    ["that throws", `throw new Error("broken")`, /^FAILED {2}it runs to its end: broken$/m],
    ["that leaves something open", `stage.check("yes", true); setInterval(() => {}, 1000)`, /something is still open/],
  ])(
    "%s ends with exit code 1",
    async (_which, code, said) => {
      const source = `import { runExample } from "./examples/stage.ts"; await runExample(async (stage) => { ${code} });`;
      const program = start(["--input-type=module", "--eval", source]);
      expect(await program.ended).toBe(1);
      expect(program.output).toMatch(said);
    },
    RUN_MAX_MS,
  );

  it(
    "is found by the beginning of its name: npm run example -- 01",
    async () => {
      expect(readProjectFile("package.json")).toContain(`"example": "node scripts/run.mjs tsx examples/run.ts"`);
      const program = start(["examples/run.ts", "0"]);
      expect(await program.ended).toBe(2);
      for (const file of numbered) expect(program.output).toContain(file.replace(/^examples\/(.*)\.ts$/, "$1"));
    },
    RUN_MAX_MS,
  );

  it("imports nothing but the client's public entry, `ws`, Node's own modules and the stage", () => {
    const allowed = /^(?:src\/client\/index\.ts|ws|node:.+|examples\/stage\.ts)$/;
    const others = examples
      .filter((file) => file !== "examples/stage.ts")
      .flatMap((file) => readImports(file, readProjectFile(file)).map(({ target }) => `${file}: ${target}`))
      .filter((line) => !allowed.test(line.split(": ")[1] ?? ""));
    expect(others).toEqual([]);
    expect(examples).toContain("examples/cloud.ts");
  });

  it("is short, and so is the cloud", () => {
    const lines = (file: string) => readProjectFile(file).trimEnd().split("\n").length;
    expect(numbered.filter((file) => lines(file) > 80)).toEqual([]);
    expect(lines("examples/cloud.ts")).toBeLessThan(200);
  });
});

describe("the small cloud", () => {
  interface Message {
    readonly type: string;
    readonly text?: string;
    readonly reason?: string;
    readonly livekit?: { readonly url: string; readonly roomName: string; readonly token: string } | null;
  }

  /** Connects as glasses do. */
  async function glasses(url: string) {
    const socket = new WebSocket(`${url}/?user=alice`);
    const messages: Message[] = [];
    socket.on("message", (data: Buffer) => void messages.push(JSON.parse(data.toString()) as Message));
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    const count = (type: string) => messages.filter((message) => message.type === type).length;
    return {
      messages,
      count,
      send: (message: object) => socket.send(JSON.stringify(message)),
      /** `more` messages of this kind than there are now. */
      hear(type: string, more: number, limitMs: number): Promise<void> {
        const wanted = count(type) + more;
        return eventually(`${more} more ${type}`, () => count(type) >= wanted, limitMs);
      },
      closed: new Promise<number>((resolve) => socket.once("close", resolve)),
    };
  }

  it(
    "captions, tells when a killed bridge takes the audio away, captions again once it is back, and ends in order",
    async () => {
      stage = await openStage();
      await (await stage.phone("alice")).talk();
      const cloud = start(["examples/cloud.ts"], { PORT: "0", ...stage.env });
      const address = () => /"url":"(ws:[^"]+)","message":"Cloud listening"/.exec(cloud.output)?.[1];
      await eventually("the cloud listening", () => address() !== undefined, START_MAX_MS);
      const pair = await glasses(address() ?? "");

      pair.send({ type: "CONNECTION_INIT" });
      await pair.hear("CONNECTION_ACK", 1, NOTICE_MAX_MS);
      const livekit = pair.messages[0]?.livekit;
      expect(livekit).toMatchObject({ url: stage.livekitUrl, roomName: "alice" });
      pair.send({ type: "MIC", isOn: true });
      await pair.hear("CAPTION", 2, NOTICE_MAX_MS);
      expect(pair.messages.at(-1)?.text).toMatch(/^1\.0 s of speech, peak -\d+ dB$/);

      await stage.killBridge();
      await pair.hear("AUDIO_UNAVAILABLE", 1, NOTICE_MAX_MS);
      expect(pair.messages.at(-1)?.reason).toBe("bridge_unreachable");

      const back = pair.hear("AUDIO_AVAILABLE", 1, BACK_MAX_MS).then(() => pair.hear("CAPTION", 2, NOTICE_MAX_MS));
      await Promise.all([stage.startBridge(), back]);
      expect([pair.count("CONNECTION_ACK"), pair.count("AUDIO_UNAVAILABLE"), pair.count("AUDIO_AVAILABLE")]).toEqual([
        1, 1, 1,
      ]);

      cloud.signal("SIGTERM");
      expect(await cloud.ended).toBe(0);
      expect(await pair.closed).toBe(1001);
      expect(livekit?.token).toMatch(/^eyJ/);
      expect(cloud.output).not.toContain("eyJ");
      expect(cloud.output).not.toContain(`"level":"error"`);
    },
    RUN_MAX_MS,
  );
});
