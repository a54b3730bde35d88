import { describe, expect, test } from "vitest";
import { createPacer } from "../../src/livekit/pacer.js";
import { createTrackFeeder, type TrackFeeder } from "../../src/livekit/track-feeder.js";
import { createSimulatedClock } from "../support/simulated-clock.js";

/** A feeder of 10 ms mono frames with a tail of 50 ms, whose source plays what `left` says, counting up from 1. */
function setUp(channels: 1 | 2 = 1) {
  const clock = createSimulatedClock();
  const pacer = createPacer(clock, 10);
  const source = { left: 0, reads: 0, next: 1, onRead: (): void => undefined };
  const frames: Int16Array[] = [];
  const feeder: TrackFeeder = createTrackFeeder({
    pacer,
    format: { sampleRateHz: 48_000, channels },
    source: {
      read(frame) {
        source.reads++;
        source.onRead();
        const count = Math.min(frame.length, source.left);
        for (let index = 0; index < count; index++) frame[index] = source.next++;
        source.left -= count;
        return count;
      },
    },
    emit: (frame) => frames.push(frame.slice()),
    silenceTailMs: 50,
  });
  return { clock, pacer, source, frames, feeder };
}

const isSilent = (frame: Int16Array | undefined): boolean => frame?.every((sample) => sample === 0) ?? false;

describe("the track feeder", () => {
  test("asks for nothing before it is started, wake or not, and then loses nothing", async () => {
    const { clock, source, frames, feeder } = setUp();
    source.left = 480;
    feeder.wake();
    await clock.advance(100);
    expect([source.reads, clock.pending]).toEqual([0, 0]);
    feeder.start();
    await clock.advance(0);
    expect(frames[0]?.[0]).toBe(1);
    expect(frames[0]?.[479]).toBe(480);
  });

  test.each([1, 2] as const)(
    "emits frames of exactly one beat for %i channel(s), the rest of the last made silent",
    async (channels) => {
      const { clock, source, frames, feeder } = setUp(channels);
      source.left = 480 * channels + 10;
      feeder.start();
      await clock.advance(10);
      expect(frames.map((frame) => frame.length)).toEqual([480 * channels, 480 * channels]);
      expect(frames[1]?.[9]).toBe(480 * channels + 10);
      expect(isSilent(frames[1]?.subarray(10))).toBe(true);
    },
  );

  test("sends its tail of silence when the source runs dry, then costs nothing", async () => {
    const { clock, pacer, source, frames, feeder } = setUp();
    source.left = 480;
    feeder.start();
    await clock.advance(1_000);
    expect(frames).toHaveLength(1 + 5);
    expect(frames.slice(1).every(isSilent)).toBe(true);
    expect([pacer.size, clock.pending]).toEqual([0, 0]);
  });

  test("begins its tail anew whenever samples come", async () => {
    const { clock, source, frames, feeder } = setUp();
    source.left = 480;
    feeder.start();
    await clock.advance(35);
    source.left = 480;
    await clock.advance(1_000);
    expect(frames).toHaveLength(4 + 1 + 5);
  });

  test("resumes at once on wake, with a whole tail to come", async () => {
    const { clock, source, frames, feeder } = setUp();
    feeder.start();
    await clock.advance(1_000);
    frames.length = 0;
    source.left = 480;
    feeder.wake();
    await clock.advance(0);
    expect(frames).toHaveLength(1);
    await clock.advance(1_000);
    expect(frames).toHaveLength(1 + 5);
  });

  test("does not miss a wake that comes while its last silence is being asked for", async () => {
    const { clock, pacer, source, feeder } = setUp();
    feeder.start();
    await clock.advance(40);
    source.onRead = () => feeder.wake();
    await clock.advance(10);
    source.onRead = () => undefined;
    expect(pacer.size).toBe(1);
    source.left = 480;
    await clock.advance(10);
    expect(source.left).toBe(0);
  });

  test("keeps the beat when woken twice or while it runs", async () => {
    const { clock, source, frames, feeder } = setUp();
    source.left = 4_800;
    feeder.start();
    feeder.start();
    await clock.advance(15);
    feeder.wake();
    feeder.wake();
    await clock.advance(15);
    expect(frames).toHaveLength(4);
  });

  test("asks and emits nothing after stop, and neither wake nor start revives it", async () => {
    const { clock, pacer, source, frames, feeder } = setUp();
    source.left = 48_000;
    feeder.start();
    await clock.advance(20);
    feeder.stop();
    feeder.wake();
    feeder.start();
    const heard = frames.length;
    await clock.advance(100);
    expect([frames.length, pacer.size, clock.pending]).toEqual([heard, 0, 0]);
  });

  test("emits nothing when the source stops it while it is asked", async () => {
    const { clock, pacer, source, frames, feeder } = setUp();
    source.left = 480;
    source.onRead = () => feeder.stop();
    feeder.start();
    await clock.advance(50);
    expect([frames.length, pacer.size]).toEqual([0, 0]);
  });
});
