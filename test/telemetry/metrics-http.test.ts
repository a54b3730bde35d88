// The port itself, over real sockets: what it answers, and what it does not put up with.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { MetricsEndpoints, MetricsServer } from "../../src/telemetry/metrics-server.js";
import { startMetricsServer } from "../../src/telemetry/metrics-server.js";
import { eventually } from "../support/eventually.js";

describe("the port of metrics", () => {
  let server: MetricsServer;
  let state: { status: string; unready: string | undefined; scrape: () => Promise<string> };
  let errors: unknown[];
  let scrapes: number;
  const sockets = new Set<Socket>();

  beforeEach(async () => {
    errors = [];
    scrapes = 0;
    state = { status: "SERVING", unready: undefined, scrape: async () => "up 1\n" };
    const endpoints: MetricsEndpoints = {
      async scrape() {
        scrapes += 1;
        return { contentType: "text/plain; version=0.0.4; charset=utf-8", text: await state.scrape() };
      },
      health: () => ({ status: state.status }),
      unready: () => state.unready,
      failed: (error) => void errors.push(error),
    };
    server = await startMetricsServer({ host: "127.0.0.1", port: 0 }, endpoints);
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    await server.close();
  });

  const url = (path: string) => `http://127.0.0.1:${server.port}${path}`;
  const get = async (path: string, init?: RequestInit) => {
    const response = await fetch(url(path), init);
    return { status: response.status, text: await response.text() };
  };

  /** A client that speaks for itself, and all that it was told until the server hung up. */
  async function raw(text: string): Promise<{ socket: Socket; heard: () => string; closed: () => boolean }> {
    const socket = connect(server.port, "127.0.0.1");
    sockets.add(socket);
    let heard = "";
    let isClosed = false;
    socket.on("data", (data: Buffer) => (heard += data.toString()));
    socket.on("error", () => {});
    socket.on("close", () => (isClosed = true));
    await once(socket, "connect");
    socket.write(text);
    return { socket, heard: () => heard, closed: () => isClosed };
  }

  test("answers what it is asked, with a query or without, and nothing else", async () => {
    expect(await get("/metrics")).toEqual({ status: 200, text: "up 1\n" });
    expect(await get("/metrics?name[]=up")).toEqual({ status: 200, text: "up 1\n" });
    expect(await get("/health")).toEqual({ status: 200, text: '{"status":"SERVING"}\n' });
    expect(await get("/healthz")).toEqual({ status: 200, text: "ok\n" });
    expect(await get("/readyz")).toEqual({ status: 200, text: "ok\n" });
    for (const path of ["/", "/metrics/", "/metricsx", "/..%2fmetrics", "/debug", "/healthz/x"]) {
      expect([path, (await get(path)).status]).toEqual([path, 404]);
    }
  });

  test("says 503 when it is not serving or not ready, and stays alive all the same", async () => {
    state.status = "NOT_SERVING";
    state.unready = "draining";
    expect((await get("/health")).status).toBe(503);
    expect(await get("/readyz")).toEqual({ status: 503, text: "draining\n" });
    expect((await get("/healthz")).status).toBe(200);
  });

  test("is only read: every other method is refused, and no body is", async () => {
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
      const response = await fetch(url("/metrics"), { method });
      expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
      await response.text();
    }
    const head = await fetch(url("/metrics"), { method: "HEAD" });
    expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, "5", ""]);
    expect((await get("/metrics", { method: "POST", body: "x".repeat(1_000_000) })).status).toBe(405);
    expect(scrapes).toBe(1);
  });

  test("a scrape that fails is a 500 without a word of why, told to the log, and the next one works", async () => {
    state.scrape = () => Promise.reject(new Error("secret detail"));
    expect(await get("/metrics")).toEqual({ status: 500, text: "internal error\n" });
    expect(errors).toEqual([new Error("secret detail")]);
    state.scrape = async () => "up 1\n";
    expect((await get("/metrics")).status).toBe(200);
  });

  test("a request with more headers than 8 KiB is refused", async () => {
    const client = await raw(`GET /metrics HTTP/1.1\r\nHost: x\r\nX-Long: ${"x".repeat(9000)}\r\n\r\n`);
    await eventually("the refusal", client.closed);
    expect(client.heard()).toMatch(/^HTTP\/1\.1 431 /);
  });

  test("nonsense is refused, and nobody else notices", async () => {
    const client = await raw("\u0016\u0003\u0001 no HTTP\r\n\r\n");
    await eventually("the refusal", client.closed);
    expect(client.heard()).toMatch(/^HTTP\/1\.1 400 /);
    expect((await get("/healthz")).status).toBe(200);
  });

  test("the 33rd connection at once is closed, and one is free again when another goes", async () => {
    const open = [];
    for (let i = 0; i < 32; i += 1) {
      const client = await raw("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
      await eventually("its answer", () => client.heard().includes("200 OK"));
      open.push(client);
    }
    const late = await raw("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    await eventually("the end", late.closed);
    expect([late.heard(), open.filter(({ closed }) => closed())]).toEqual(["", []]);
    open[0]?.socket.destroy();
    await eventually("a place", async () => {
      const next = await raw("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
      await eventually("an end or an answer", () => next.closed() || next.heard() !== "");
      return next.heard().includes("200 OK");
    });
  });

  test("closes although somebody still reads, twice as well as once", async () => {
    const hanging = await raw("GET /metrics HTTP/1.1\r\nHost: x\r\n");
    const startMs = performance.now();
    await Promise.all([server.close(), server.close()]);
    await eventually("the end", hanging.closed);
    // By itself it would last until the request's own limit.
    expect(performance.now() - startMs).toBeLessThan(3000);
    await expect(get("/healthz")).rejects.toThrow("fetch failed");
  });

  test("an address that is taken, or is not this machine's, is one clear error that names the settings", async () => {
    const other = createServer();
    other.listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const endpoints = { scrape: () => Promise.reject(new Error("unused")), health: () => ({ status: "" }) };
    const start = (host: string) =>
      startMetricsServer({ host, port }, { ...endpoints, unready: () => undefined, failed: () => {} });
    await expect(start("127.0.0.1")).rejects.toMatchObject({
      code: "address_in_use",
      message: `cannot listen on 127.0.0.1:${port} for metrics (BRIDGE_METRICS_HOST, BRIDGE_METRICS_PORT): address already in use`,
    });
    await expect(start("192.0.2.1")).rejects.toMatchObject({ code: "address_invalid" });
    other.close();
  });
});
