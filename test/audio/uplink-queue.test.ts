import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { mixInto, remix, samplesOf } from "../../src/audio/pcm.js";
import type { CreateResampler } from "../../src/audio/resampler.js";
import { loadResampler } from "../../src/audio/resampler.js";
import { TrackMixer } from "../../src/audio/track-mixer.js";
import { UplinkQueue } from "../../src/audio/uplink-queue.js";
import type { FrameSource } from "../../src/livekit/room.js";
import { frequencyOf, level, shareAt, tone } from "../support/tone.js";

let createResampler: CreateResampler;
beforeAll(async () => {
  createResampler = await loadResampler();
});

function queueOf(channels: 1 | 2 = 1) {
  const scene = { drained: 0 };
  const queue = new UplinkQueue({
    format: { sampleRateHz: 48_000, channels },
    createResampler,
    pauseAboveMs: 10_000,
    resumeBelowMs: 5000,
    drained: () => {
      scene.drained += 1;
    },
  });
  return Object.assign(scene, { queue });
}

/** Everything a source has, pulled in frames of 10 ms. */
function pullAll(source: FrameSource, channels = 1): Int16Array {
  const parts: number[] = [];
  const frame = new Int16Array(480 * channels);
  for (let read = source.read(frame); read > 0; read = source.read(frame)) parts.push(...frame.subarray(0, read));
  return Int16Array.from(parts);
}

const bytesOf = (samples: Int16Array) => new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);

describe("uplink queue", () => {
  test("at the track's own format samples pass bit by bit, however they are cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -32_768, max: 32_767 }), { maxLength: 2000 }),
        fc.array(fc.integer({ min: 1, max: 999 }), { minLength: 1, maxLength: 20 }),
        (values, cuts) => {
          const { queue } = queueOf();
          const bytes = bytesOf(Int16Array.from(values));
          let at = 0;
          for (let i = 0; at < bytes.length; i += 1) {
            const end = at + (cuts[i % cuts.length] ?? 1);
            queue.push(bytes.subarray(at, end), { sampleRateHz: 48_000, channels: 1 });
            at = end;
          }
          expect([...pullAll(queue)]).toEqual(values);
        },
      ),
    );
  });

  test.each([8000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 96_000, 192_000])(
    "from %i Hz the length is exact, the tone clean",
    (sampleRateHz) => {
      const { queue } = queueOf();
      const input = tone({ frequencyHz: 1000, durationMs: 1000, sampleRateHz });
      for (let at = 0; at < input.length; at += 333) {
        queue.push(bytesOf(input.subarray(at, at + 333)), { sampleRateHz, channels: 1 });
      }
      const output = pullAll(queue);
      expect(Math.abs(output.length - 48_000)).toBeLessThanOrEqual(60);
      expect(frequencyOf(output)).toBeCloseTo(1000, -0.5);
      expect(level(output) / level(input)).toBeCloseTo(1, 1);
      expect(shareAt(output.subarray(4800, 43_200), 1000)).toBeGreaterThan(0.999);
    },
  );

  test("what lies above the track's half rate is filtered out and comes back as nothing else", () => {
    const { queue } = queueOf();
    queue.push(bytesOf(tone({ frequencyHz: 60_000, durationMs: 500, sampleRateHz: 192_000 })), {
      sampleRateHz: 192_000,
      channels: 1,
    });
    const output = pullAll(queue);
    expect(level(output.subarray(2400, -2400))).toBeLessThan(0.001);
  });

  test("after running dry the next sound begins anew, with nothing of the old", () => {
    const { queue } = queueOf();
    const beep = tone({ frequencyHz: 440, durationMs: 100, sampleRateHz: 16_000 });
    const format = { sampleRateHz: 16_000, channels: 1 };
    queue.push(bytesOf(beep), format);
    const first = pullAll(queue);
    queue.push(bytesOf(beep), format);
    expect(pullAll(queue)).toEqual(first);
  });

  test("above ten seconds the writer pauses; below five it is called, once", () => {
    const scene = queueOf();
    const second = new Uint8Array(96_000);
    const format = { sampleRateHz: 48_000, channels: 1 };
    for (let i = 0; i < 10; i += 1) expect(scene.queue.push(second, format)).toBe(true);
    expect(scene.queue.push(second, format)).toBe(false);
    const frame = new Int16Array(480);
    for (let i = 0; i < 590; i += 1) scene.queue.read(frame);
    expect(scene.drained).toBe(0);
    for (let i = 0; i < 100; i += 1) scene.queue.read(frame);
    expect(scene.drained).toBe(1);
    expect(Math.round(scene.queue.queuedMs)).toBe(4100);
  });

  test("cleared, it says how many bytes were lost, and frees its writer", () => {
    const scene = queueOf();
    const format = { sampleRateHz: 48_000, channels: 1 };
    scene.queue.push(new Uint8Array(96_001 * 11), format);
    expect(scene.queue.clear()).toBe(96_001 * 11);
    expect(scene.drained).toBe(1);
    expect(scene.queue.read(new Int16Array(480))).toBe(0);
  });

  test("resamplers are given back: a thousand of them leave the module's memory as it was", () => {
    const make = () => createResampler({ inputRateHz: 16_000, outputRateHz: 48_000, channels: 1 });
    for (let i = 0; i < 50; i += 1) make().close();
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 1000; i += 1) {
      const resampler = make();
      resampler.process(new Int16Array(320));
      resampler.close();
      resampler.close();
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * 1024 * 1024);
  });
});

describe("pcm", () => {
  test("odd addresses in memory are read as well as even ones", () => {
    const bytes = Uint8Array.from([0, 1, 0, 2, 0, 3]);
    expect([...samplesOf(bytes.subarray(1, 5))]).toEqual([1, 2]);
    expect([...samplesOf(bytes.subarray(2, 6))]).toEqual([512, 768]);
  });

  test("mono is the mean of all channels, stereo the first two, doubled from mono", () => {
    expect([...remix(Int16Array.from([100, 300, -100, -300]), 2, 1)]).toEqual([200, -200]);
    expect([...remix(Int16Array.from([1, 2]), 1, 2)]).toEqual([1, 1, 2, 2]);
    expect([...remix(Int16Array.from([1, 2, 3, 4, 5, 6]), 3, 2)]).toEqual([1, 2, 4, 5]);
  });

  test("a mix is clamped, never wrapped", () => {
    const sum = Int16Array.from([30_000, -30_000, 5]);
    mixInto(sum, Int16Array.from([30_000, -30_000, 6]), 3);
    expect([...sum]).toEqual([32_767, -32_768, 11]);
  });
});

describe("track mixer", () => {
  const sourceOf = (...frames: number[][]): FrameSource => ({
    read(frame) {
      const next = frames.shift() ?? [];
      frame.set(next);
      return next.length;
    },
  });

  test("adds what its sources have, the shorter one followed by silence", () => {
    const mixer = new TrackMixer();
    mixer.add(sourceOf([1, 2]));
    mixer.add(sourceOf([10, 20, 30, 40]));
    const frame = new Int16Array(4).fill(99);
    expect(mixer.read(frame)).toBe(4);
    expect([...frame]).toEqual([11, 22, 30, 40]);
  });

  test("is idle when all its sources are", () => {
    const mixer = new TrackMixer();
    mixer.add(sourceOf());
    mixer.add(sourceOf());
    expect(mixer.read(new Int16Array(4))).toBe(0);
  });
});

describe("an uplink queue under attack or in trouble", () => {
  const format = { sampleRateHz: 48_000, channels: 1 };

  test("chunks of one sample are work as well: a few thousand of them fill it", () => {
    const { queue } = queueOf();
    let taken = 0;
    while (queue.push(new Uint8Array(2), { sampleRateHz: 192_000, channels: 1 })) taken += 1;
    expect(taken).toBeLessThan(6000);
    expect(pullAll(queue).length).toBeGreaterThan(0);
    expect(queue.queuedMs).toBe(0);
  });

  test("half a sample of one writer is no beginning of the next one's", () => {
    const { queue } = queueOf();
    queue.push(Uint8Array.from([1, 0, 7]), format);
    expect(queue.cut()).toBe(1);
    queue.push(bytesOf(Int16Array.from([100, 101])), format);
    expect([...pullAll(queue)]).toEqual([1, 100, 101]);
  });

  test("what is dropped leaves what follows in step", () => {
    const { queue } = queueOf();
    const bytes = bytesOf(Int16Array.from([1, 2, 3, 4]));
    queue.push(bytes.subarray(0, 3), format);
    expect(queue.skip(bytes.subarray(3, 5), format)).toBe(2);
    queue.push(bytes.subarray(5), format);
    expect([...pullAll(queue)]).toEqual([1, 3, 4]);
  });
});
