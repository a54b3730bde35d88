import { describe, expect, test } from "vitest";
import { CHUNK_BYTES, PcmPacer, type PcmPacerOptions } from "../../src/client/audio/pcm-pacer.js";
import type { Clock } from "../../src/client/clock.js";
import { silentLogger } from "../../src/client/log.js";
import { createSimulatedClock } from "../support/simulated-clock.js";
import { countingSource, expectConserved, expectSamples, MS, pacerOnClock, stallable } from "./pcm-pacer-scene.js";

describe("a stall of the event loop", () => {
  /** Real-time packets of 20 ms, read together when a stall ends, as those that wait in a socket are. */
  async function talkThroughStall(stallMs: number, options: Partial<PcmPacerOptions> = {}) {
    const clock = stallable();
    const { chunks, sentAtMs, pacer, packet } = pacerOnClock(options, clock);
    for (let at = 0; at < 500; at += 20) {
      pacer.push(packet(20 * MS));
      await clock.advance(20);
    }
    clock.stallUntil(500 + stallMs);
    await clock.advance(stallMs);
    for (let at = 500; at <= 500 + stallMs; at += 20) pacer.push(packet(20 * MS));
    const queuedAfterMs = pacer.stats().bytesQueued / MS;
    for (let at = 500 + stallMs; at < 3000 + stallMs; at += 20) {
      await clock.advance(20);
      pacer.push(packet(20 * MS));
    }
    return { chunks, sentAtMs, pacer, queuedAfterMs };
  }

  test.each([90, 170, 450, 900, 2500])(
    "of %i ms delays nothing for ever: late beats are made up when their audio is read",
    async (stallMs) => {
      const { chunks, sentAtMs, pacer, queuedAfterMs } = await talkThroughStall(stallMs);
      expect(queuedAfterMs).toBeLessThanOrEqual(120);
      for (const [index, at] of sentAtMs.entries()) expect(index + 1, `at ${at} ms`).toBeLessThanOrEqual(at / 100);
      expect(pacer.stats()).toMatchObject({ bytesDropped: 0, underruns: 0 });
      pacer.flush();
      expectSamples(chunks, 0, pacer.stats().bytesIn / 2);
    },
  );

  test("is made up with audio, not with silence", async () => {
    const { pacer } = await talkThroughStall(450, { underrun: "silence" });
    expect(pacer.stats()).toMatchObject({ silenceBytes: 0, bytesDropped: 0 });
  });

  test("owes nothing any more one beat later: what comes then is late by the network, and paced", async () => {
    const clock = stallable();
    const { sentAtMs, pacer, packet } = pacerOnClock({}, clock);
    pacer.push(packet(20 * MS));
    clock.stallUntil(450);
    await clock.advance(550);
    pacer.push(packet(800 * MS));
    expect(sentAtMs).toEqual([]);
    await clock.advance(300);
    expect(sentAtMs).toEqual([600, 700, 800]);
  });

  test("is no excuse for bursts: on a machine whose timers are always late, what the network delays is paced all the same", async () => {
    const clock = createSimulatedClock();
    const setTimeout: Clock["setTimeout"] = (handler, delayMs) => clock.setTimeout(handler, delayMs + 15);
    const late = { ...clock, now: clock.now, setTimeout, pending: 0 };
    const { sentAtMs, pacer, packet } = pacerOnClock({}, late);
    pacer.push(packet(20 * MS));
    await clock.advance(650);
    pacer.push(packet(480 * MS));
    await clock.advance(500);
    // One beat is owed at that moment; the five before it are forgiven.
    expect(sentAtMs).toEqual([650, 715, 815, 915, 1015]);
  });

  test("of an hour ends in no more silence than the queue could have held", async () => {
    const clock = stallable();
    const { sizes, pacer, packet } = pacerOnClock({ underrun: "silence" }, clock);
    pacer.push(packet(20 * MS));
    clock.stallUntil(3_600_050);
    await clock.advance(3_600_150);
    expect(sizes().length).toBe(10);
    pacer.dispose();
  });
});

describe("a consumer of chunks", () => {
  test("that throws or rejects is logged, first and each fiftieth time, and disturbs nothing", async () => {
    const errors: object[] = [];
    const logger = { ...silentLogger, error: (fields: object) => void errors.push(fields) };
    let calls = 0;
    const onChunk = () => {
      calls += 1;
      if (calls % 2 === 0) return Promise.reject(new Error("late"));
      throw new Error("at once");
    };
    const { clock, pacer, packet } = pacerOnClock({ onChunk, logger });
    for (let passed = 0; passed < 10; passed++) {
      pacer.push(packet(1000 * MS));
      await clock.advance(1000);
    }
    expect(calls).toBe(100);
    expect(errors).toEqual([1, 50, 100].map((failures) => ({ err: expect.any(Error), failures })));
    expectConserved(pacer);
  });

  test("may push, flush and dispose while it is called", async () => {
    const clock = createSimulatedClock();
    const packet = countingSource();
    const chunks: Buffer[] = [];
    const pacer: PcmPacer = new PcmPacer({
      clock,
      onChunk(pcm) {
        chunks.push(pcm);
        if (chunks.length <= 20) pacer.push(packet(CHUNK_BYTES));
        if (chunks.length === 3) pacer.flush();
        if (chunks.length === 10) pacer.dispose();
        expectConserved(pacer);
      },
    });
    pacer.push(packet(3 * CHUNK_BYTES));
    await clock.advance(5000);
    expect(chunks).toHaveLength(10);
    expectSamples(chunks, 0, 16_000);
    expect(clock.pending).toBe(0);
  });

  test("that flushes ends what was owed: audio that comes then has a grid of its own", async () => {
    const clock = stallable();
    const packet = countingSource();
    const sentAtMs: number[] = [];
    const pacer: PcmPacer = new PcmPacer({
      clock,
      onChunk() {
        sentAtMs.push(clock.now());
        if (sentAtMs.length > 1) return;
        pacer.flush();
        pacer.push(packet(2 * CHUNK_BYTES));
      },
    });
    pacer.push(packet(CHUNK_BYTES));
    clock.stallUntil(350);
    await clock.advance(600);
    expect(sentAtMs).toEqual([350, 450, 550]);
  });

  test.each(["flush", "dispose"] as const)("may %s in the midst of a beat: no timer is left", async (verb) => {
    const clock = createSimulatedClock();
    const pacer: PcmPacer = new PcmPacer({ clock, onChunk: () => pacer[verb]() });
    pacer.push(countingSource()(3 * CHUNK_BYTES));
    await clock.advance(100);
    expect(clock.pending).toBe(0);
  });

  test("that pushes as much as it is given cannot keep flush from ending", () => {
    const packet = countingSource();
    let calls = 0;
    const pacer: PcmPacer = new PcmPacer({
      clock: createSimulatedClock(),
      onChunk() {
        if (calls++ < 1000) pacer.push(packet(CHUNK_BYTES));
      },
    });
    pacer.push(packet(3 * CHUNK_BYTES));
    pacer.flush();
    expect(calls).toBe(3);
    expect(pacer.stats().bytesQueued).toBe(3 * CHUNK_BYTES);
  });
});

describe("a disposed pacer", () => {
  test("has no timer, sends nothing, and counts what it still held and is still given as dropped", async () => {
    const { clock, sizes, pacer, packet } = pacerOnClock();
    pacer.push(packet(250 * MS));
    pacer.dispose();
    expect(clock.pending).toBe(0);
    pacer.dispose();
    pacer.push(packet(640));
    pacer.flush();
    await clock.advance(5000);
    expect(sizes()).toEqual([]);
    expect(clock.pending).toBe(0);
    expect(pacer.stats()).toMatchObject({ bytesIn: 8640, bytesDropped: 8640, bytesQueued: 0 });
  });
});
