import { spawn } from "node:child_process";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const MAIN = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

function start(env: Record<string, string>): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(process.execPath, [MAIN], {
    env: { LIVEKIT_ENGINE: "embedded", BRIDGE_HOST: "127.0.0.1", ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (text: Buffer) => {
    stderr += text.toString();
  });
  return new Promise((done) => child.once("exit", (code) => done({ code, stderr })));
}

describe("a start that cannot work is one clear line and exit code 1", () => {
  test.each([
    ["a port that is no number", { PORT: "abc" }, /^config_invalid: PORT: .*"abc".*\n$/],
    ["an unknown log level", { LOG_LEVEL: "loud" }, /^config_invalid: LOG_LEVEL: .*\n$/],
    [
      "a host that is not this machine's",
      { BRIDGE_HOST: "192.0.2.1" },
      /^address_invalid: cannot listen on 192\.0\.2\.1:9090.*\n$/,
    ],
  ])("%s", async (_case, env, line) => {
    const { code, stderr } = await start(env);
    expect(code).toBe(1);
    expect(stderr).toMatch(line);
  });

  test("a port in use", async () => {
    const other = createServer();
    await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
    const { port } = other.address() as AddressInfo;
    const { code, stderr } = await start({ PORT: String(port) });
    expect(code).toBe(1);
    expect(stderr).toBe(`address_in_use: cannot listen on 127.0.0.1:${port}: address already in use\n`);
    other.close();
  });
});

test("a log that nobody reads any more is no reason to stop serving", async () => {
  const child = spawn(process.execPath, [MAIN], {
    env: { LIVEKIT_ENGINE: "embedded", BRIDGE_HOST: "127.0.0.1", PORT: "0", LOG_LEVEL: "trace" },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const exited = new Promise<number | null>((done) => child.once("exit", (code) => done(code)));
  await new Promise((done) => child.stdout.once("data", done));
  child.stdout.destroy();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  expect(child.exitCode).toBe(null);
  child.kill("SIGTERM");
  expect(await exited).toBe(0);
});
