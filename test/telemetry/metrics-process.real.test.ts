import { once } from "node:events";
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { startBridgeProcess } from "../support/bridge-process.js";
import { eventually } from "../support/eventually.js";

const MAIN = fileURLToPath(new URL("../../dist/main.js", import.meta.url));
const EMBEDDED = { LIVEKIT_ENGINE: "embedded", BRIDGE_HOST: "127.0.0.1", PORT: "0" };

describe("the port of metrics of a bridge that is a process", () => {
  test("that is taken ends the start with one line and exit code 1", async () => {
    const other = createServer();
    other.listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const env = { ...EMBEDDED, BRIDGE_METRICS_PORT: String(port) };
    const child = spawn(process.execPath, [MAIN], { env, stdio: ["ignore", "ignore", "pipe"] });
    let stderr = "";
    child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
    expect(await once(child, "exit")).toEqual([1, null]);
    expect(stderr).toBe(
      `address_in_use: cannot listen on 127.0.0.1:${port} for metrics (BRIDGE_METRICS_HOST, BRIDGE_METRICS_PORT): address already in use\n`,
    );
    other.close();
  });

  test("is told in the log, warned of when it is on the network, and hangs up on a request that takes 5 s to arrive", async () => {
    const bridge = await startBridgeProcess({ ...EMBEDDED, BRIDGE_METRICS_PORT: "0", BRIDGE_METRICS_HOST: "0.0.0.0" });
    const line = bridge.logs.find(({ message }) => message === "Metrics listening");
    const port = Number(line?.["port"]);
    expect(line).toMatchObject({ address: `0.0.0.0:${port}`, level: "info" });
    expect(bridge.messages()).toContain("Metrics on the network: anybody who reaches this port may read them");
    const isReady = async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 200;
    await eventually("ready", isReady, 10_000);

    const startMs = performance.now();
    const slow = connect(port, "127.0.0.1");
    slow.on("error", () => {});
    slow.write("GET /metrics HTTP/1.1\r\nHost: x\r\n");
    let heard = "";
    slow.on("data", (data: Buffer) => (heard += data.toString()));
    await once(slow, "close");
    expect(heard).toMatch(/^HTTP\/1\.1 408 /);
    const tookMs = performance.now() - startMs;
    expect(tookMs).toBeGreaterThan(4500);
    expect(tookMs).toBeLessThan(10_000);
    await bridge.stop();
    expect(await bridge.exited).toBe(0);
  });
});
