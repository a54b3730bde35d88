// A pacer on a clock that the test moves, its chunks, and packets in which every sample says where it stood.

import { expect } from "vitest";
import { PcmPacer, type PcmPacerOptions } from "../../src/client/audio/pcm-pacer.js";
import type { Clock } from "../../src/client/clock.js";
import { createSimulatedClock, type SimulatedClock } from "../support/simulated-clock.js";

/** Bytes of one millisecond. */
export const MS = 32;

/** Packets whose samples count up, so that whatever comes out tells where in the input it stood. */
export function countingSource() {
  let next = 0;
  return (bytes: number): Buffer => {
    const pcm = Buffer.alloc(bytes, 0xee);
    for (let offset = 0; offset + 1 < bytes; offset += 2) pcm.writeUInt16LE(next++ & 0xffff, offset);
    return pcm;
  };
}

export function samplesOf(chunks: readonly Buffer[]): number[] {
  const pcm = Buffer.concat(chunks);
  return Array.from({ length: pcm.length / 2 }, (_, i) => pcm.readUInt16LE(i * 2));
}

/** The samples with these numbers, and no others. Says where the first wrong one is instead of printing them all. */
export function expectSamples(chunks: readonly Buffer[], from: number, to: number): void {
  const samples = samplesOf(chunks);
  const wrongAt = samples.findIndex((sample, index) => sample !== ((from + index) & 0xffff));
  expect({ wrongAt, count: samples.length }).toEqual({ wrongAt: -1, count: to - from });
}

export const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

export function pacerOnClock(
  options: Partial<PcmPacerOptions> = {},
  clock: Clock & Pick<SimulatedClock, "advance" | "pending"> = createSimulatedClock(),
) {
  const chunks: Buffer[] = [];
  const sentAtMs: number[] = [];
  const pacer = new PcmPacer({
    clock,
    onChunk(pcm) {
      chunks.push(pcm);
      sentAtMs.push(clock.now());
    },
    ...options,
  });
  return { clock, chunks, sentAtMs, pacer, packet: countingSource(), sizes: () => chunks.map((chunk) => chunk.length) };
}

export function expectConserved(pacer: PcmPacer): void {
  const { bytesIn, bytesOut, bytesDropped, bytesQueued } = pacer.stats();
  expect(bytesOut + bytesDropped + bytesQueued).toBe(bytesIn);
}

/** A clock whose timers do not run before `until(ms)`, as when the event loop is held up. */
export function stallable() {
  const clock = createSimulatedClock();
  let stalledUntilMs = 0;
  const setTimeout: Clock["setTimeout"] = (handler, delayMs) =>
    clock.setTimeout(() => {
      if (clock.now() >= stalledUntilMs) handler();
      else clock.setTimeout(handler, stalledUntilMs - clock.now());
    }, delayMs);
  const stallUntil = (ms: number) => void (stalledUntilMs = ms);
  return { ...clock, advance: clock.advance, now: clock.now, setTimeout, stallUntil, pending: 0 };
}
