import { expect, test } from "vitest";
import { ChunkQueue } from "../../../src/client/audio/chunk-queue.js";

const chunk = (sizeBytes: number, mark: number) => ({
  pcm: Buffer.alloc(sizeBytes, mark),
  sampleRate: 16_000,
  channels: 1,
  timestampMs: 0,
});

function queueOf(maxMs: number) {
  let droppedBytes = 0;
  const queue = new ChunkQueue({ maxMs, dropped: (bytes) => (droppedBytes += bytes) });
  return { queue, dropped: () => droppedBytes, next: async () => (await queue.next())?.pcm[0] };
}

test("what is over the bound drops the oldest, counted: what went in came out or was dropped", async () => {
  const { queue, dropped, next } = queueOf(100);
  for (let mark = 0; mark < 12; mark += 1) queue.push(chunk(640, mark));
  queue.close();
  expect([await next(), await next(), await next(), await next(), await next(), await next()]).toEqual([
    7,
    8,
    9,
    10,
    11,
    undefined,
  ]);
  expect(dropped()).toBe(7 * 640);
});

test("a single chunk that is longer than the bound is kept", async () => {
  const { queue, dropped, next } = queueOf(100);
  queue.push(chunk(64_000, 1));
  expect([await next(), dropped()]).toEqual([1, 0]);
});

test("a reader that waits gets what comes; one that reads a closed queue gets the rest, then the end", async () => {
  const { queue, next } = queueOf(100);
  const waiting = next();
  queue.push(chunk(2, 5));
  expect(await waiting).toBe(5);
  queue.push(chunk(2, 6));
  queue.close();
  queue.push(chunk(2, 7));
  expect([await next(), await next()]).toEqual([6, undefined]);
});

test("a reader that waits hears of the end", async () => {
  const { queue, next } = queueOf(100);
  const waiting = next();
  queue.close();
  expect(await waiting).toBe(undefined);
});
