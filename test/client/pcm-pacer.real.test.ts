// The pacer on real timers. Beside each pacer runs a control: a bare timer on the same grid, so that what the machine does
// to any timer is told apart from what the pacer adds. docs/asr-pacing.md quotes the table that is printed.

import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { CHUNK_BYTES, CHUNK_MS, PcmPacer } from "../../src/client/audio/pcm-pacer.js";

const RUN_MS = 60_000;
const BYTES_PER_MS = CHUNK_BYTES / CHUNK_MS;
/** What a pacer may be worse than a bare timer: what recognisers bear. */
const ALLOWANCE_MS = 20;

interface Feed {
  readonly name: string;
  readonly packetBytes: number;
  /** When the n-th packet is due, counted from the first. */
  readonly dueMs: (packet: number) => number;
}

const every = (packetMs: number): Feed => ({
  name: `${packetMs} ms packets`,
  packetBytes: packetMs * BYTES_PER_MS,
  dueMs: (packet) => packet * packetMs,
});

const feeds: readonly Feed[] = [
  every(10),
  every(20),
  every(100),
  {
    name: "4 packets in 5 ms, 300 ms nothing",
    packetBytes: (305 * BYTES_PER_MS) / 4,
    dueMs: (packet) => Math.floor(packet / 4) * 305 + (packet % 4) * (5 / 3),
  },
];

interface Jitter {
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
}

describe("the pacer of recogniser audio, for a minute on real timers", () => {
  test(
    "keeps the beat as well as a bare timer, whatever the packets, and loses nothing",
    { timeout: 120_000 },
    async () => {
      const runs = feeds.map(async (feed, index) => {
        // Each on a grid of its own, so that they are not all woken together.
        await sleep(index * 23);
        return run(feed);
      });
      const results = await Promise.all(runs);
      console.log(
        `deviation from the grid of 100 ms, over ${RUN_MS / 1000} s, in ms\n${results.map(lineOf).join("\n")}`,
      );
      for (const { feed, pacer, control, sizes, isInOrder, stats, sentBytes, beatsSent, underruns } of results) {
        const wholeChunks = sizes.slice(0, -1);
        expect(
          wholeChunks.filter((size) => size !== CHUNK_BYTES),
          feed.name,
        ).toEqual([]);
        expect(stats, feed.name).toMatchObject({
          bytesIn: sentBytes,
          bytesOut: sentBytes,
          bytesDropped: 0,
          bytesQueued: 0,
        });
        expect(isInOrder, feed.name).toBe(true);
        expect(beatsSent + underruns, feed.name).toBeGreaterThanOrEqual(RUN_MS / CHUNK_MS - 10);
        expect(pacer.p95, feed.name).toBeLessThanOrEqual(control.p95 + ALLOWANCE_MS);
        expect(pacer.max, feed.name).toBeLessThanOrEqual(control.max + ALLOWANCE_MS);
      }
    },
  );

  test("makes up for a stall of 600 ms, whose audio waited unread: it does not come late for ever", async () => {
    const pacer = new PcmPacer({ onChunk: () => {} });
    const talker = new Worker(TALKER, { eval: true, workerData: { packetBytes: 20 * BYTES_PER_MS, packetMs: 20 } });
    try {
      talker.on("message", (pcm: Uint8Array) => pacer.push(pcm));
      await sleep(1500);
      const before = pacer.stats();
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600);
      await sleep(400);
      const after = pacer.stats();
      console.log(
        `queued before the stall ${before.bytesQueued / BYTES_PER_MS} ms, after ${after.bytesQueued / BYTES_PER_MS} ms`,
      );
      expect(after.bytesIn - before.bytesIn).toBeGreaterThan(600 * BYTES_PER_MS);
      expect(after.bytesQueued).toBeLessThanOrEqual(before.bytesQueued + 200 * BYTES_PER_MS);
      expect(after.bytesDropped).toBe(0);
    } finally {
      await talker.terminate();
      pacer.dispose();
    }
  });
});

async function run(feed: Feed) {
  const lateMs: number[] = [];
  const sizes: number[] = [];
  let startAtMs = 0;
  let isInOrder = true;
  let nextOut = 0;
  const pacer = new PcmPacer({
    onChunk(pcm) {
      if (pcm.length === CHUNK_BYTES) lateMs.push((performance.now() - startAtMs) % CHUNK_MS);
      sizes.push(pcm.length);
      for (let offset = 0; offset < pcm.length; offset += 2)
        isInOrder &&= pcm.readUInt16LE(offset) === (nextOut++ & 0xffff);
    },
  });
  let nextIn = 0;
  const packet = () => {
    const pcm = Buffer.alloc(feed.packetBytes);
    for (let offset = 0; offset < pcm.length; offset += 2) pcm.writeUInt16LE(nextIn++ & 0xffff, offset);
    return pcm;
  };
  const first = packet();
  startAtMs = performance.now();
  // The grid begins here.
  pacer.push(first);
  const control: number[] = [];
  const [sent] = await Promise.all([
    onSchedule(startAtMs, feed.dueMs, () => pacer.push(packet())),
    onSchedule(
      startAtMs,
      (beat) => beat * CHUNK_MS,
      (late) => control.push(late),
    ),
  ]);
  const { underruns } = pacer.stats();
  const pacerJitter = jitterOf(lateMs);
  const beatsSent = lateMs.length;
  // What is left at the end goes at once, and is no beat.
  pacer.flush();
  const stats = pacer.stats();
  pacer.dispose();
  return {
    feed,
    pacer: pacerJitter,
    control: jitterOf(control),
    sizes,
    isInOrder,
    stats,
    underruns,
    sentBytes: sent * feed.packetBytes,
    beatsSent,
  };
}

/** Calls `act` when each of the times but the first is due, catching up when late, for as long as the run lasts; returns how many times there were. */
async function onSchedule(
  startAtMs: number,
  dueMs: (index: number) => number,
  act: (lateMs: number) => void,
): Promise<number> {
  let index = 1;
  for (; dueMs(index) <= RUN_MS; index++) {
    const waitMs = startAtMs + dueMs(index) - performance.now();
    if (waitMs > 0) await sleep(Math.ceil(waitMs));
    act(performance.now() - startAtMs - dueMs(index));
  }
  return index;
}

function jitterOf(lateMs: readonly number[]): Jitter {
  const sorted = lateMs.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { p50: at(0.5), p95: at(0.95), max: at(1) };
}

function lineOf({ feed, pacer, control, underruns, beatsSent }: Awaited<ReturnType<typeof run>>): string {
  const figures = ({ p50, p95, max }: Jitter) => [p50, p95, max].map((ms) => ms.toFixed(2)).join(" / ");
  const counts = `chunks ${beatsSent}, beats without one ${underruns}`;
  return `${feed.name.padEnd(34)} p50/p95/max ${figures(pacer)}   control ${figures(control)}   ${counts}`;
}

/** Packets in real time from a thread of its own: they wait, as in a socket, while the event loop of the test stands still. */
const TALKER = `
  const { parentPort, workerData } = require("node:worker_threads");
  const startAtMs = performance.now();
  let sent = 0;
  setInterval(() => {
    for (; startAtMs + sent * workerData.packetMs <= performance.now(); sent++) {
      parentPort.postMessage(new Uint8Array(workerData.packetBytes));
    }
  }, 5);
`;
