import { describe, expect, test } from "vitest";
import { CHUNK_BYTES, PcmPacer } from "../../src/client/audio/pcm-pacer.js";
import type { Clock } from "../../src/client/clock.js";
import { silentLogger } from "../../src/client/log.js";
import { createSimulatedClock } from "../support/simulated-clock.js";
import { expectConserved, expectSamples, MS, pacerOnClock, range, samplesOf } from "./pcm-pacer-scene.js";

describe("the pacer of recogniser audio", () => {
  test.each([
    ["10 ms packets", 10],
    ["20 ms packets", 20],
    ["100 ms packets", 100],
    ["packets that fit nowhere", 37],
    ["packets longer than a chunk", 250],
  ])("makes one chunk of 3,200 bytes each 100 ms of %s, and loses nothing", async (_, packetMs) => {
    const { clock, chunks, sentAtMs, sizes, pacer, packet } = pacerOnClock();
    const packets = Math.floor(2000 / packetMs);
    for (let sent = 0; sent < packets; sent++) {
      pacer.push(packet(packetMs * MS));
      await clock.advance(packetMs);
    }
    const beats = sentAtMs.length;
    expect(beats).toBeGreaterThanOrEqual(18);
    expect(sentAtMs).toEqual(range(1, beats + 1).map((beat) => beat * 100));
    expect(new Set(sizes())).toEqual(new Set([CHUNK_BYTES]));
    pacer.flush();
    expectSamples(chunks, 0, (packets * packetMs * MS) / 2);
    expect(pacer.stats()).toMatchObject({ bytesDropped: 0, bytesQueued: 0, underruns: 0 });
  });

  test("evens out bursts: 4 packets in 5 ms, then nothing for 300 ms", async () => {
    const { clock, chunks, sentAtMs, sizes, pacer, packet } = pacerOnClock();
    for (let burst = 0; burst < 40; burst++) {
      for (const waitMs of [2, 2, 1, 300]) {
        pacer.push(packet(2440));
        await clock.advance(waitMs);
      }
    }
    expect(sentAtMs).toEqual(range(1, 123).map((beat) => beat * 100));
    expect(new Set(sizes())).toEqual(new Set([CHUNK_BYTES]));
    pacer.flush();
    expectSamples(chunks, 0, (160 * 2440) / 2);
    expect(pacer.stats()).toMatchObject({ bytesDropped: 0, underruns: 0 });
  });

  test("keeps its grid over an hour, however late its timers are", { timeout: 60_000 }, async () => {
    const clock = createSimulatedClock();
    let turn = 0;
    const late = () => (turn = (turn + 7) % 9);
    const setTimeout: Clock["setTimeout"] = (handler, delayMs) => clock.setTimeout(handler, delayMs + late());
    let chunks = 0;
    let worstMs = 0;
    const onChunk = () => {
      chunks += 1;
      worstMs = Math.max(worstMs, clock.now() - chunks * 100);
    };
    const pacer = new PcmPacer({ clock: { ...clock, now: clock.now, setTimeout }, onChunk, queueMaxMs: 3000 });
    const second = Buffer.alloc(1000 * MS);
    pacer.push(second);
    for (let passed = 0; passed < 3600; passed++) {
      pacer.push(second);
      await clock.advance(1000);
    }
    expect(chunks).toBeGreaterThanOrEqual(35_999);
    expect(worstMs).toBeLessThan(10);
    expect(pacer.stats().bytesDropped).toBe(0);
  });

  test("keeps 1 s at most: the oldest is dropped, counted and logged once in fifty times", async () => {
    const lines: object[] = [];
    const logger = { ...silentLogger, warn: (fields: object) => void lines.push(fields) };
    const { clock, chunks, pacer, packet } = pacerOnClock({ logger });
    for (let sent = 0; sent < 150; sent++) pacer.push(packet(20 * MS));
    expect(pacer.stats()).toMatchObject({ bytesQueued: 32_000, bytesDropped: 2000 * MS });
    await clock.advance(1000);
    expectSamples(chunks, 32_000, 48_000);
    expect(lines).toHaveLength(3);
    expect(lines[0]).toEqual({ bytesDropped: 640, queueMaxMs: 1000 });
    expectConserved(pacer);
  });

  test("of a packet longer than its queue it keeps the end", async () => {
    const { clock, chunks, pacer, packet } = pacerOnClock({ queueMaxMs: 200 });
    pacer.push(packet(50 * MS));
    pacer.push(packet(1000 * MS));
    await clock.advance(200);
    expectSamples(chunks, 16_800 - 3200, 16_800);
    expectConserved(pacer);
  });

  test("drops the odd byte of a packet and counts it; the samples after it keep their place", async () => {
    const { clock, chunks, pacer, packet } = pacerOnClock();
    for (const bytes of [641, 640, 321, 1, 640, 959, 0, 1281]) pacer.push(packet(bytes));
    await clock.advance(200);
    pacer.flush();
    expectSamples(chunks, 0, (640 + 640 + 320 + 640 + 958 + 1280) / 2);
    expect(pacer.stats()).toMatchObject({ oddBytesDropped: 5, bytesDropped: 5 });
    expectConserved(pacer);
  });

  test("keeps no memory of a packet: the caller may write over it at once", async () => {
    const { clock, chunks, pacer, packet } = pacerOnClock();
    const reused = packet(CHUNK_BYTES);
    pacer.push(reused);
    reused.fill(0x55);
    await clock.advance(100);
    expectSamples(chunks, 0, 1600);
  });

  test("gives each chunk memory of its own", async () => {
    const { clock, chunks, pacer, packet } = pacerOnClock();
    pacer.push(packet(2 * CHUNK_BYTES));
    await clock.advance(100);
    expect(chunks[0]?.buffer.byteLength).toBe(CHUNK_BYTES);
    chunks[0]?.fill(0x55);
    await clock.advance(100);
    expectSamples(chunks.slice(1), 1600, 3200);
  });

  test.each([
    ["queueMaxMs", { queueMaxMs: 99 }],
    ["queueMaxMs", { queueMaxMs: Number.NaN }],
    ["queueMaxMs", { queueMaxMs: 60_001 }],
    ["idleAfterMs", { idleAfterMs: 150.5 }],
    ["underrun", { underrun: "repeat" as "skip" }],
  ])("refuses a %s that makes no sense: %j", (name, options) => {
    expect(() => pacerOnClock(options)).toThrow(
      expect.objectContaining({ code: "invalid_argument", message: expect.stringContaining(name) }),
    );
  });
});

describe("a beat that finds too little", () => {
  test("holds the incomplete chunk for the next beat, and counts the underrun", async () => {
    const { clock, sentAtMs, sizes, pacer, packet } = pacerOnClock();
    pacer.push(packet(80 * MS));
    await clock.advance(150);
    expect(sentAtMs).toEqual([]);
    pacer.push(packet(220 * MS));
    await clock.advance(250);
    expect(sentAtMs).toEqual([200, 300, 400]);
    expect(new Set(sizes())).toEqual(new Set([CHUNK_BYTES]));
    expect(pacer.stats()).toMatchObject({ underruns: 1, silenceBytes: 0 });
  });

  test("is filled up with zeros when told so; they are counted apart", async () => {
    const { clock, chunks, sentAtMs, pacer, packet } = pacerOnClock({ underrun: "silence" });
    packet(2);
    pacer.push(packet(80 * MS));
    await clock.advance(250);
    pacer.push(packet(100 * MS));
    await clock.advance(50);
    expect(sentAtMs).toEqual([100, 200, 300]);
    const zeros = (ms: number) => range(0, ms * 16).fill(0);
    expect(samplesOf(chunks)).toEqual([...range(1, 1281), ...zeros(20), ...zeros(100), ...range(1281, 2881)]);
    expect(pacer.stats()).toMatchObject({ silenceBytes: 120 * MS, bytesOut: 180 * MS, underruns: 2 });
    expectConserved(pacer);
  });
});

describe("a user who falls silent", () => {
  test("costs nothing: 1 s after the last packet the tail has been sent short and no timer is left", async () => {
    const { clock, chunks, sentAtMs, sizes, pacer, packet } = pacerOnClock();
    expect(clock.pending).toBe(0);
    pacer.push(packet(250 * MS));
    await clock.advance(1000);
    expect(sizes()).toEqual([CHUNK_BYTES, CHUNK_BYTES]);
    await clock.advance(100);
    expect(sizes()).toEqual([CHUNK_BYTES, CHUNK_BYTES, 50 * MS]);
    expect(sentAtMs.at(-1)).toBe(1100);
    expect(clock.pending).toBe(0);
    expectSamples(chunks, 0, 4000);
    expect(pacer.stats()).toMatchObject({ bytesQueued: 0, underruns: 0 });
  });

  test("begins a new grid with the next packet", async () => {
    const { clock, sentAtMs, pacer, packet } = pacerOnClock();
    pacer.push(packet(100 * MS));
    await clock.advance(5037);
    pacer.push(packet(200 * MS));
    await clock.advance(200);
    expect(sentAtMs).toEqual([100, 5137, 5237]);
  });

  test("is not taken for one whose packets are only late", async () => {
    const { clock, sizes, pacer, packet } = pacerOnClock();
    pacer.push(packet(150 * MS));
    await clock.advance(990);
    pacer.push(packet(50 * MS));
    await clock.advance(110);
    expect(sizes()).toEqual([CHUNK_BYTES, CHUNK_BYTES]);
    expect(pacer.stats().underruns).toBe(8);
  });

  test("is heard to the end even if the queue is longer than the time until idle", async () => {
    const { clock, sentAtMs, sizes, pacer, packet } = pacerOnClock({ queueMaxMs: 3000, idleAfterMs: 300 });
    pacer.push(packet(2950 * MS));
    await clock.advance(3100);
    expect(sizes()).toEqual([...range(0, 29).fill(CHUNK_BYTES), 50 * MS]);
    expect(clock.pending).toBe(0);
    expect(sentAtMs).toEqual(range(1, 31).map((beat) => beat * 100));
  });

  test("flush sends all at once, the tail short, and ends the timer", async () => {
    const { clock, sizes, chunks, pacer, packet } = pacerOnClock();
    pacer.flush();
    expect(sizes()).toEqual([]);
    pacer.push(packet(250 * MS));
    pacer.flush();
    pacer.flush();
    expect(sizes()).toEqual([CHUNK_BYTES, CHUNK_BYTES, 50 * MS]);
    expectSamples(chunks, 0, 4000);
    expect(clock.pending).toBe(0);
    expectConserved(pacer);
  });
});
