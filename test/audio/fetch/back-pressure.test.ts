import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { eventually } from "../../support/eventually.js";
import { createSimulatedClock } from "../../support/simulated-clock.js";
import { countSockets, head, limits, opener, serve } from "./web.js";

const silent = new AbortController().signal;
const MIB = 1024 * 1024;
const roomy = { ...limits, sizeMaxBytes: 1024 * MIB };

/** A server that always has more to send, in pieces made by `frame`, and counts what the system took off its hands. */
async function pouring(header: string, frame: string) {
  const poured = { bytes: 0 };
  const piece = Buffer.from(frame, "latin1");
  const web = await serve((socket: Socket) => {
    socket.write(head(header));
    const pour = () => {
      while (!socket.destroyed) {
        poured.bytes += piece.length;
        if (!socket.write(piece)) return;
      }
    };
    socket.on("drain", pour);
    pour();
  });
  return { web, poured };
}

const frames = [
  ["a plain body", `Content-Length: ${512 * MIB}`, "x".repeat(16 * 1024)],
  ["large chunks", "Transfer-Encoding: chunked", `4000\r\n${"x".repeat(0x4000)}\r\n`],
  ["chunks of one byte", "Transfer-Encoding: chunked", "1\r\nx\r\n".repeat(2000)],
] as const;

describe("a consumer that does not pull", () => {
  it.each(frames)(
    "stops the server after what the system buffers, and for as long as it likes: %s",
    async (_, header, frame) => {
      const clock = createSimulatedClock();
      const seen = countSockets();
      const { web, poured } = await pouring(header, frame);
      const opened = await opener([web.host], { clock, limits: roomy }).open(web.url(), silent);
      const before = await settled(poured);
      seen.stop();
      await clock.advance(24 * 3_600_000);
      await sleep(100);
      expect(poured.bytes).toBe(before);
      expect(web.open).toBe(1);
      expect(seen.sockets[0]?.bytesRead).toBeLessThan(256 * 1024);
      // The rest lies in the buffers that the system gives to the two sockets, and is bounded by it.
      expect(before).toBeLessThan(16 * MIB);
      opened.close();
    },
  );

  it("is kept at most a small buffer of bytes", async () => {
    const { web, poured } = await pouring("Connection: close", "x".repeat(16 * 1024));
    const opened = await opener([web.host], { limits: roomy }).open(web.url(), silent);
    await settled(poured);
    for await (const chunk of opened.body) {
      expect(chunk.length).toBeGreaterThanOrEqual(32 * 1024);
      expect(chunk.length).toBeLessThanOrEqual(128 * 1024);
      break;
    }
  });
});

describe("a consumer that pulls slowly", () => {
  it.each([
    [...frames[0], 128 * MIB],
    [...frames[1], 128 * MIB],
    [...frames[2], MIB / 4],
  ] as const)("gets everything, and memory stays flat: %s", async (_, header, frame, target) => {
    const { web, poured } = await pouring(header, frame);
    const opened = await opener([web.host], { limits: roomy }).open(web.url(), silent);
    const expected = Buffer.alloc(256 * 1024, "x");
    const rssBefore = process.memoryUsage().rss;
    let chunks = 0;
    for await (const chunk of opened.body) {
      expect(expected.subarray(0, chunk.length).equals(chunk)).toBe(true);
      chunks += 1;
      if (chunks % 100 === 0) await sleep(1);
      if (opened.bytesRead > target) break;
    }
    expect(poured.bytes).toBeGreaterThan(target);
    expect(process.memoryUsage().rss - rssBefore).toBeLessThan(80 * MIB);
  });
});

describe("a body in chunks of one byte", () => {
  it("is parsed in small portions, so that the event loop is free in between", async () => {
    const [, header, frame] = frames[2];
    const { web } = await pouring(header, frame);
    const opened = await opener([web.host], { limits: roomy }).open(web.url(), silent);
    let largest = 0;
    for await (const chunk of opened.body) {
      largest = Math.max(largest, chunk.length);
      if (opened.bytesRead > 100_000) break;
    }
    expect(largest).toBeLessThan(1500);
  });
});

/** What was poured when no more is taken. */
async function settled(poured: { readonly bytes: number }): Promise<number> {
  let last = -1;
  await eventually("the server has to wait", async () => {
    const isSame = poured.bytes === last;
    last = poured.bytes;
    await sleep(50);
    return isSame;
  });
  return last;
}
