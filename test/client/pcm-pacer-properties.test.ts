import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CHUNK_BYTES, type PcmPacer } from "../../src/client/audio/pcm-pacer.js";
import type { Clock } from "../../src/client/clock.js";
import { createSimulatedClock } from "../support/simulated-clock.js";
import { expectConserved, pacerOnClock, samplesOf } from "./pcm-pacer-scene.js";

describe("whatever packets come whenever", () => {
  const packets = fc.array(
    fc.record({
      bytes: fc.oneof(
        fc.constantFrom(320, 640, 3200),
        fc.integer({ min: 0, max: 2000 }),
        fc.integer({ min: 0, max: 40_000 }),
      ),
      waitMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 120 }), fc.integer({ min: 0, max: 1500 })),
    }),
    { maxLength: 40 },
  );

  test("bytes are conserved, order is kept, chunks come on the grid, and no more than 1 s waits", async () => {
    await fc.assert(
      fc.asyncProperty(packets, async (steps) => {
        const { clock, chunks, sentAtMs, pacer, packet } = pacerOnClock();
        let startAtMs = 0;
        let seen = 0;
        for (const { bytes, waitMs } of steps) {
          if (clock.pending === 0) startAtMs = clock.now();
          pacer.push(packet(bytes));
          expect(pacer.stats().bytesQueued).toBeLessThanOrEqual(32_000);
          expectConserved(pacer);
          await clock.advance(waitMs);
          expectConserved(pacer);
          for (; seen < sentAtMs.length; seen++) {
            const at = (sentAtMs[seen] ?? 0) - startAtMs;
            expect(at > 0 && at % 100 === 0).toBe(true);
            if (chunks[seen]?.length !== CHUNK_BYTES)
              expect(seen === sentAtMs.length - 1 && clock.pending === 0).toBe(true);
          }
        }
        expect(new Set(sentAtMs).size).toBe(sentAtMs.length);
        pacer.flush();
        expectOrdered(chunks, steps, pacer);
        expect(clock.pending).toBe(0);
      }),
    );
  });

  test("and however late timers are, no more chunks are sent than beats have passed, and none is lost beyond the queue", async () => {
    const lates = fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(packets, lates, async (steps, lateMs) => {
        const sim = createSimulatedClock();
        let timers = 0;
        const setTimeout: Clock["setTimeout"] = (handler, delayMs) =>
          sim.setTimeout(handler, delayMs + (lateMs[timers++ % lateMs.length] ?? 0));
        const { chunks, sentAtMs, pacer, packet } = pacerOnClock({}, { ...sim, now: sim.now, setTimeout, pending: 0 });
        let startAtMs = 0;
        let first = 0;
        for (const { bytes, waitMs } of steps) {
          if (sim.pending === 0) [startAtMs, first] = [sim.now(), sentAtMs.length];
          pacer.push(packet(bytes));
          await sim.advance(waitMs);
          expectConserved(pacer);
          for (let index = first; index < sentAtMs.length; index++) {
            if (chunks[index]?.length !== CHUNK_BYTES) continue;
            expect((index + 1 - first) * 100).toBeLessThanOrEqual((sentAtMs[index] ?? 0) - startAtMs);
          }
        }
        pacer.flush();
        expectOrdered(chunks, steps, pacer);
      }),
    );
  });

  /** Samples come out in the order they went in, up to the very last; the holes between them are what was dropped. */
  function expectOrdered(
    chunks: readonly Buffer[],
    steps: readonly { readonly bytes: number }[],
    pacer: PcmPacer,
  ): void {
    const total = steps.reduce((sum, { bytes }) => sum + Math.floor(bytes / 2), 0);
    let position = -1;
    let missing = 0;
    for (const sample of samplesOf(chunks)) {
      const step = (sample - position) & 0xffff;
      missing += step - 1;
      position += step;
    }
    const { bytesDropped, oddBytesDropped } = pacer.stats();
    // The counter has 16 bits, so a hole may be longer than it looks by whole turns, and the end with it.
    const unseen = total - 1 - position;
    expect(unseen % 65_536).toBe(0);
    expect((bytesDropped - oddBytesDropped) / 2).toBe(missing + unseen);
  }
});
