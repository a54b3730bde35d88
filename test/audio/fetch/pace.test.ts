import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { OpenedUrl } from "../../../src/audio/fetch/open-url.js";
import { eventually } from "../../support/eventually.js";
import { createSimulatedClock } from "../../support/simulated-clock.js";
import { failureOf, head, limits, opener, redirect, serve } from "./web.js";

const silent = new AbortController().signal;
const OFFSET_MS = 1;

/** A server that sends when the test says so, on a clock that moves when the test says so. */
async function stage(changes: Partial<typeof limits> = {}) {
  const clock = createSimulatedClock();
  const sockets: Socket[] = [];
  const web = await serve((socket) => sockets.push(socket));
  const from = opener([web.host], { clock, limits: { ...limits, ...changes } });
  const send = (bytes: string) => sockets.at(-1)?.write(bytes);
  const asked = () => eventually("the request is there", () => web.heads.length === 1);
  const open = async () => {
    const opening = from.open(web.url(), silent);
    await asked();
    send(`${head("Content-Length: 1000000")}x`);
    return opening;
  };
  return { clock, web, from, send, asked, open };
}

/** Pulls on and on, and counts. */
function consume(opened: OpenedUrl) {
  const seen = { bytes: 0 };
  const reading = async () => {
    for await (const chunk of opened.body) seen.bytes += chunk.length;
  };
  const failure = failureOf(reading());
  let isOver = false;
  void failure.then(() => {
    isOver = true;
  });
  return { seen, failure, isOver: () => isOver };
}

describe("the time to connect", () => {
  it("includes a name that is never resolved", async () => {
    const clock = createSimulatedClock();
    const from = opener([], { clock, resolve: () => new Promise(() => {}) });
    const failure = failureOf(from.open("http://slow.example/", silent));
    await clock.advance(limits.connectTimeoutMs);
    expect(await failure).toMatchObject({ code: "timeout", message: "audio URL did not connect within 3 s" });
    expect(clock.pending).toBe(0);
  });

  it("includes a TLS handshake that never ends", async () => {
    const { clock, web, from } = await stage();
    const failure = failureOf(from.open(web.url().replace("http:", "https:"), silent));
    await eventually("the connection is there", () => web.open === 1);
    await clock.advance(limits.connectTimeoutMs);
    expect((await failure).code).toBe("timeout");
    await eventually("the connection is gone", () => web.open === 0);
  });
});

describe("the time to the first byte", () => {
  it.each([
    ["no headers", ""],
    ["headers that never end", "HTTP/1.1 200 OK\r\nX-A: b\r\n"],
    ["headers and no body", head("Content-Length: 10")],
    ["headers and an empty chunk that never ends", `${head("Transfer-Encoding: chunked")}1`],
  ])("is limited: %s", async (_, bytes) => {
    const { clock, web, from, send, asked } = await stage();
    const failure = failureOf(from.open(web.url(), silent));
    await asked();
    send(bytes);
    await clock.advance(limits.firstByteTimeoutMs - OFFSET_MS);
    expect(web.open).toBe(1);
    await clock.advance(OFFSET_MS);
    expect(await failure).toMatchObject({ code: "timeout", message: "audio URL sent no data within 5 s" });
    expect(clock.pending).toBe(0);
  });

  it("is not prolonged by single bytes of headers", async () => {
    const { clock, web, from, send, asked } = await stage();
    const failure = failureOf(from.open(web.url(), silent));
    await asked();
    for (const byte of "HTTP/1.1 2") {
      send(byte);
      await clock.advance(limits.firstByteTimeoutMs / 10);
    }
    expect((await failure).code).toBe("timeout");
  });

  it("begins anew with each hop", async () => {
    const { clock, web, from, send, asked } = await stage();
    const opening = from.open(web.url(), silent);
    await asked();
    await clock.advance(limits.firstByteTimeoutMs - OFFSET_MS);
    send(redirect("/again"));
    await eventually("the second request is there", () => web.heads.length === 2);
    await clock.advance(limits.firstByteTimeoutMs - OFFSET_MS);
    send(`${head("Content-Length: 10")}x`);
    (await opening).close();
  });
});

describe("a server that stalls", () => {
  it("is given up when the consumer has waited for so long, after what it sent was heard", async () => {
    const { clock, send, open } = await stage();
    const { seen, failure } = consume(await open());
    send("x".repeat(500_000));
    await eventually("half is there", () => seen.bytes === 500_001);
    await clock.advance(limits.stallTimeoutMs - OFFSET_MS);
    expect(clock.pending).toBe(1);
    await clock.advance(OFFSET_MS);
    expect(await failure).toMatchObject({ code: "timeout", message: "audio URL sent nothing for 10 s" });
    expect(clock.pending).toBe(0);
  });

  it("is of no interest while the consumer is busy with something else", async () => {
    const { clock, web, open } = await stage();
    const opened = await open();
    await clock.advance(3_600_000);
    expect(clock.pending).toBe(0);
    expect(web.open).toBe(1);
    // Only now does it wait, and the whole limit is before it.
    const { failure, isOver } = consume(opened);
    await clock.advance(limits.stallTimeoutMs - OFFSET_MS);
    expect(isOver()).toBe(false);
    await clock.advance(OFFSET_MS);
    expect((await failure).code).toBe("timeout");
  });
});

describe("a server that is too slow", () => {
  it("is given up: one byte a second", async () => {
    const { clock, send, open } = await stage();
    const { seen, failure, isOver } = consume(await open());
    let seconds = 0;
    while (!isOver() && seconds < 60) {
      const before = seen.bytes;
      send("x");
      await eventually("the byte is there", () => seen.bytes > before);
      await clock.advance(1000);
      seconds += 1;
    }
    expect(await failure).toMatchObject({
      code: "too_slow",
      message: "audio URL is slower than 4096 bytes per second",
    });
    expect(seconds).toBe(11);
  });

  it("is not one that keeps just above the minimum, for however long", async () => {
    const { clock, send, open } = await stage();
    const { seen, isOver } = consume(await open());
    for (let second = 1; second <= 100; second++) {
      await clock.advance(1000);
      send("x".repeat(4200));
      await eventually("they are there", () => seen.bytes === 1 + second * 4200);
    }
    expect(isOver()).toBe(false);
  });

  it("does not live on what it sent at first", async () => {
    const { clock, send, open } = await stage();
    const { seen, failure, isOver } = consume(await open());
    send("x".repeat(900_000));
    await eventually("the rich start is there", () => seen.bytes === 900_001);
    let seconds = 0;
    for (; !isOver() && seconds < 60; seconds++) {
      await clock.advance(1000);
      send("x");
      await eventually("the byte is there", () => isOver() || seen.bytes > 900_001 + seconds);
    }
    expect((await failure).code).toBe("too_slow");
    expect(seconds).toBeLessThanOrEqual(11);
  });

  it("has what it sent while the consumer was busy counted in its favour", async () => {
    const { clock, send, open } = await stage();
    const opened = await open();
    const pieces = opened.body[Symbol.asyncIterator]();
    await pieces.next();
    const pull = async (bytes: string) => {
      const pulled = pieces.next();
      await clock.advance(9000);
      send(bytes);
      await pulled;
    };
    await pull("x");
    // Nobody waits now. A second wait of that length is only due to a server that has been quick in between.
    send("x".repeat(50_000));
    await sleep(50);
    await pieces.next();
    await pull("x");
    expect(opened.bytesRead).toBe(50_003);
  });

  it("is any that stalls, and no other, if no rate is asked for", async () => {
    const { clock, send, open } = await stage({ minimumBytesPerSecond: 0 });
    const { seen, failure } = consume(await open());
    for (let second = 1; second <= 30; second++) {
      await clock.advance(9000);
      send("x");
      await eventually("the byte is there", () => seen.bytes === 1 + second);
    }
    await clock.advance(limits.stallTimeoutMs);
    expect((await failure).code).toBe("timeout");
  });
});
