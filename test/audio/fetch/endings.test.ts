// However a download ends, and in whatever phase, it leaves nothing: no socket here or there, no timer, no listener.

import { getEventListeners } from "node:events";
import type { Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { OpenedUrl, UrlOpener } from "../../../src/audio/fetch/open-url.js";
import { eventually } from "../../support/eventually.js";
import { type SimulatedClock, createSimulatedClock } from "../../support/simulated-clock.js";
import {
  type Web,
  countSockets,
  failureOf,
  fetchText,
  head,
  limits,
  ok,
  opener,
  readAll,
  redirect,
  serve,
} from "./web.js";

const openTcp = () => process.getActiveResourcesInfo().filter((kind) => kind === "TCPSocketWrap").length;

let clock: SimulatedClock;
let web: Web;
let sockets: Socket[];
let from: UrlOpener;
let before: number;

beforeEach(async () => {
  clock = createSimulatedClock();
  sockets = [];
  web = await serve((socket, request) => {
    sockets.push(socket);
    if (request.startsWith("GET /redirect")) socket.end(redirect("/silent"));
    if (request.startsWith("GET /headers")) socket.write(head("Content-Length: 1000"));
    if (request.startsWith("GET /body ")) socket.write(`${head("Content-Length: 1000000")}x`);
    if (request.startsWith("GET /body-of-few")) socket.write(`${head("Content-Length: 4")}tone`);
    if (request.startsWith("GET /endless")) socket.write(`${head("Connection: close")}tone`);
    if (request.startsWith("GET /full")) socket.write(head("Content-Length: 1000000") + "x".repeat(1_000_000));
    if (request.startsWith("GET /whole")) socket.end(ok("tone"));
  });
  from = opener([web.host], { clock });
  before = openTcp();
});

afterEach(async () => {
  await eventually("the server's side is closed", () => web.open === 0);
  await eventually("our side is closed", () => openTcp() <= before);
  expect(clock.pending).toBe(0);
});

const heads = (count: number) => eventually("the request is there", () => web.heads.length === count);

/** Phases in which something can end, and how each is reached. */
const phases: readonly [string, () => { url: string; reached: () => Promise<void> }][] = [
  ["the TLS handshake", () => ({ url: web.url().replace("http:", "https:"), reached: () => connected() })],
  ["the wait for headers", () => ({ url: web.url("/silent"), reached: () => heads(1) })],
  ["the wait for headers after a redirect", () => ({ url: web.url("/redirect"), reached: () => heads(2) })],
  ["the wait for the first byte", () => ({ url: web.url("/headers"), reached: () => heads(1) })],
];
const connected = () => eventually("the connection is there", () => web.open === 1);

describe("an abort", () => {
  it("that has come already opens nothing", async () => {
    const spy = countSockets();
    expect((await failureOf(from.open(web.url(), AbortSignal.abort()))).code).toBe("aborted");
    expect(spy.count).toBe(0);
    spy.stop();
  });

  it("while a name is looked up ends at once, and no socket follows when the answer comes", async () => {
    const spy = countSockets();
    const controller = new AbortController();
    let resolveName: (addresses: { address: string; family: 4 }[]) => void = () => {};
    const resolve = () => new Promise<{ address: string; family: 4 }[]>((done) => (resolveName = done));
    const failure = failureOf(
      opener([web.host], { clock, resolve }).open(`http://a.example:${web.port}/`, controller.signal),
    );
    controller.abort();
    expect((await failure).code).toBe("aborted");
    resolveName([{ address: "127.0.0.1", family: 4 }]);
    await new Promise((done) => setTimeout(done, 20));
    expect(spy.count).toBe(0);
    spy.stop();
  });

  it("before the connection is there ends at once", async () => {
    const controller = new AbortController();
    const failure = failureOf(from.open(web.url("/silent"), controller.signal));
    await new Promise<void>((done) => process.nextTick(done));
    controller.abort();
    expect((await failure).code).toBe("aborted");
  });

  it.each(phases)("in %s ends at once", async (_, phase) => {
    const controller = new AbortController();
    const { url, reached } = phase();
    const failure = failureOf(from.open(url, controller.signal));
    await reached();
    controller.abort(new Error("the reason of somebody else"));
    expect(await failure).toMatchObject({ code: "aborted", message: "audio download aborted" });
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });

  it("while the consumer waits for bytes ends its wait", async () => {
    const controller = new AbortController();
    const opened = await from.open(web.url("/body"), controller.signal);
    const failure = failureOf(readAll(opened.body));
    await eventually("it waits", () => opened.bytesRead === 1);
    controller.abort();
    expect((await failure).code).toBe("aborted");
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });

  it("while the consumer has paused frees the socket at once, and what was read ahead is gone", async () => {
    const controller = new AbortController();
    const opened = await from.open(web.url("/full"), controller.signal);
    controller.abort();
    await eventually("the connection is gone", () => web.open === 0);
    expect((await failureOf(readAll(opened.body))).code).toBe("aborted");
    expect(opened.bytesRead).toBe(0);
  });

  it("after the end does nothing", async () => {
    const controller = new AbortController();
    expect(await fetchText(from, web.url("/whole"), controller.signal)).toBe("tone");
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
    controller.abort();
  });
});

describe("an opened URL", () => {
  const open = (path: string): Promise<OpenedUrl> => from.open(web.url(path), new AbortController().signal);

  it("that is closed unread frees its socket, and may be closed again", async () => {
    const opened = await open("/full");
    opened.close();
    await eventually("the connection is gone", () => web.open === 0);
    opened.close();
    expect((await failureOf(readAll(opened.body))).code).toBe("aborted");
  });

  it("that is closed while somebody waits ends the wait", async () => {
    const opened = await open("/body");
    const failure = failureOf(readAll(opened.body));
    await eventually("it waits", () => opened.bytesRead === 1);
    opened.close();
    expect((await failure).code).toBe("aborted");
  });

  it("whose consumer leaves its loop frees its socket", async () => {
    const opened = await open("/full");
    for await (const chunk of opened.body) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    await eventually("the connection is gone", () => web.open === 0);
  });

  it("lets go of a server that stays connected after the last byte", async () => {
    const opened = await open("/body");
    sockets[0]?.write("x".repeat(999_999));
    expect(await readAll(opened.body)).toHaveLength(1_000_000);
    await eventually("the connection is gone", () => web.open === 0);
  });

  it("lets go of a server when everything is here, though nobody has read it yet", async () => {
    const opened = await open("/body-of-few");
    await eventually("the connection is gone", () => web.open === 0);
    expect((await readAll(opened.body)).toString()).toBe("tone");
  });

  it("lets go of a server that has sent more than the limit, though nobody has read it yet", async () => {
    const small = opener([web.host], { clock, limits: { ...limits, sizeMaxBytes: 4 } });
    const opened = await small.open(web.url("/endless"), new AbortController().signal);
    sockets[0]?.write("and more");
    await eventually("the connection is gone", () => web.open === 0);
    expect((await failureOf(readAll(opened.body))).code).toBe("too_large");
    expect(opened.bytesRead).toBe(4);
  });

  it("asks with a fresh connection each time", async () => {
    await fetchText(from, web.url("/whole"));
    await fetchText(from, web.url("/whole"));
    expect(web.connections).toBe(2);
    for (const request of web.heads) expect(request).toContain("Connection: close\r\n");
  });
});

describe("closing the opener", () => {
  it("ends every download in every phase, resolves when the sockets are closed, and opens nothing more", async () => {
    const silent = new AbortController().signal;
    const opened = await from.open(web.url("/body"), silent);
    const reading = failureOf(readAll(opened.body));
    const paused = await from.open(web.url("/full"), silent);
    const opening = ["/silent", "/headers", "/redirect"].map((path) => failureOf(from.open(web.url(path), silent)));
    await heads(6);
    await from.close();
    expect(openTcp()).toBeLessThanOrEqual(before + web.open);
    for (const { code } of await Promise.all([reading, ...opening, failureOf(readAll(paused.body))])) {
      expect(code).toBe("aborted");
    }
    expect((await failureOf(from.open(web.url("/whole"), silent))).code).toBe("aborted");
    await from.close();
  });
});
