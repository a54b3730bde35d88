import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { HealthImplementation, type ServingStatusMap } from "grpc-health-check";
import { afterEach, describe, expect, it } from "vitest";
import { projectRoot } from "./project/source-files.js";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

async function serve(address: string, statuses: ServingStatusMap): Promise<number> {
  const server = new Server();
  new HealthImplementation(statuses).addToServer(server);
  cleanUps.push(() => server.forceShutdown());
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

async function probe(env: NodeJS.ProcessEnv, args: readonly string[] = []) {
  const { PORT: _port, BRIDGE_HOST: _host, LIVEKIT_GRPC_SOCKET: _socket, ...rest } = process.env;
  const command = [join(projectRoot, "node_modules/tsx/dist/cli.mjs"), join(projectRoot, "src/probe.ts"), ...args];
  const startedAt = performance.now();
  const child = spawn(process.execPath, command, { env: { ...rest, ...env } });
  let output = "";
  child.stdout.on("data", (data: Buffer) => (output += data.toString()));
  child.stderr.on("data", (data: Buffer) => (output += data.toString()));
  const [code] = (await once(child, "close")) as [number];
  return { code, output, durationMs: performance.now() - startedAt };
}

describe("the probe", () => {
  it("succeeds when the bridge serves on PORT, also where the environment names a proxy", async () => {
    const port = await serve("127.0.0.1:0", { "": "SERVING" });
    const env = { PORT: String(port), http_proxy: "http://127.0.0.1:9", grpc_proxy: "http://127.0.0.1:9" };
    expect(await probe(env)).toMatchObject({ code: 0, output: `livekit-grpc-bridge at 127.0.0.1:${port}: SERVING\n` });
  });

  it("takes the socket before the port, and an argument before both", async () => {
    const folder = mkdtempSync(join(tmpdir(), "probe-"));
    cleanUps.push(() => rmSync(folder, { recursive: true, force: true }));
    const socket = join(folder, "bridge.sock");
    await serve(`unix:${socket}`, { "": "SERVING" });
    expect(await probe({ LIVEKIT_GRPC_SOCKET: socket, PORT: "1" })).toMatchObject({ code: 0 });
    expect(await probe({ PORT: "1" }, [socket])).toMatchObject({ code: 0 });
  });

  it("asks the address that BRIDGE_HOST names, and loopback when that is every address", async () => {
    const port = String(await serve("127.0.0.2:0", { "": "SERVING" }));
    expect(await probe({ BRIDGE_HOST: "127.0.0.2", PORT: port })).toMatchObject({ code: 0 });
    expect((await probe({ BRIDGE_HOST: "0.0.0.0", PORT: port })).output).toContain(`127.0.0.1:${port} does not answer`);
    expect((await probe({ BRIDGE_HOST: "::1", PORT: "1" })).output).toContain("[::1]:1 does not answer");
  });

  it("fails while the bridge drains, and says so", async () => {
    const port = await serve("127.0.0.1:0", { "": "NOT_SERVING" });
    const { code, output } = await probe({}, [`127.0.0.1:${port}`]);
    expect({ code, output }).toEqual({ code: 1, output: `livekit-grpc-bridge at 127.0.0.1:${port}: NOT_SERVING\n` });
  });

  it("fails in one line when nobody listens", async () => {
    const { code, output } = await probe({}, ["127.0.0.1:1"]);
    expect(code).toBe(1);
    expect(output).toMatch(/^livekit-grpc-bridge at 127\.0\.0\.1:1 does not answer: .+\n$/);
  });

  it("fails after 2 s when somebody listens and says nothing", async () => {
    const mute = createServer().listen(0, "127.0.0.1");
    await once(mute, "listening");
    cleanUps.push(() => mute.close());
    const { port } = mute.address() as { port: number };
    const { code, output, durationMs } = await probe({ PORT: String(port) });
    expect(code).toBe(1);
    expect(output).toMatch(/does not answer: .*DEADLINE_EXCEEDED.*\n$/);
    expect(durationMs).toBeGreaterThan(1_900);
    expect(durationMs).toBeLessThan(6_000);
  });
});
