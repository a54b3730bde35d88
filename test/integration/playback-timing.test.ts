import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decibels, lastSound, levelOfSine, soundSince, stretching, wholeSound } from "../support/listening.js";
import { requireLiveKitServer } from "../support/livekit-server.js";
import type { TestPlayback } from "../support/old-client.js";
import type { PlaybackScene, PlaybackUser } from "../support/playback-scene.js";
import { pause, startPlaybackScene } from "../support/playback-scene.js";
import { noise, shareAt, tone } from "../support/tone.js";
import { wavOf } from "../support/wav.js";

const PLAYS = 20;
const PLAY_MS = 400;
const MARK_MS = 50;
const OPUS_FRAME_MS = 20;
const WINDOW_MS = 10;
const WINDOW_SAMPLES = 480;
const NO_STRETCHING = { addedMs: 0, removedMs: 0 };

/** For each 10 ms, which of these tones it is. */
function tonesOf(samples: Int16Array, frequenciesHz: readonly number[]): (number | undefined)[] {
  return Array.from({ length: Math.floor(samples.length / WINDOW_SAMPLES) }, (_, index) => {
    const window = samples.subarray(index * WINDOW_SAMPLES, (index + 1) * WINDOW_SAMPLES);
    return frequenciesHz.find((frequencyHz) => shareAt(window, frequencyHz) > 0.7);
  });
}

function firstProgressMs(play: TestPlayback): number {
  return play.events.find(({ type }) => type === "PROGRESS")?.atMs ?? Number.NaN;
}

describe.skipIf(!requireLiveKitServer())("when a clip begins and ends, on a real livekit-server", () => {
  let scene: PlaybackScene;
  let users = 0;
  beforeAll(async () => {
    scene = await startPlaybackScene();
  });
  afterAll(() => scene.stop());

  /** Of somebody to whom nothing has been played: every test that begins with one begins on a cold track. */
  const newUser = (): Promise<PlaybackUser> => scene.user(`timing-${(users += 1)}`);

  test(`${PLAYS} plays in a row, each begun when the one before has completed, are all heard whole`, async () => {
    const user = await newUser();
    const frequenciesHz = Array.from({ length: PLAYS }, (_, index) => 500 + index * 100);
    const startMs = performance.now();
    for (const frequencyHz of frequenciesHz) {
      const play = user.play(scene.toneUrl(frequencyHz, PLAY_MS));
      expect((await play.ended).code).toBe(0);
      expect(play.types()).toBe("STARTED PROGRESS COMPLETED");
      expect(play.events.at(-1)).toMatchObject({
        duration_ms: String(PLAY_MS),
        position_ms: String(PLAY_MS),
        error: "",
      });
    }
    await lastSound(user.phone, "speaker", startMs);
    const { removedMs } = await stretching(user.phone);
    const heard = tonesOf(soundSince(user.phone, "speaker", startMs).samples, frequenciesHz);
    const inOrder = heard.filter((frequencyHz, index) => frequencyHz !== undefined && frequencyHz !== heard[index - 1]);
    expect(new Set(inOrder)).toEqual(new Set(frequenciesHz));
    // One window at either end of a tone may hold something of its neighbour.
    for (const frequencyHz of frequenciesHz) {
      const heardMs = heard.filter((other) => other === frequencyHz).length * WINDOW_MS;
      expect(heardMs, `${frequencyHz} Hz`).toBeGreaterThanOrEqual(PLAY_MS * 0.97 - 2 * WINDOW_MS - removedMs);
    }
    await user.leave();
  });

  test("a clip of 3.00 s completes 3 s ± 0.2 s after its first PROGRESS, and 3 s are heard", async () => {
    const user = await newUser();
    const url = scene.toneUrl(440, 3000);
    for (const track of ["cold", "warm"]) {
      const before = await stretching(user.phone).catch(() => NO_STRETCHING);
      const startMs = performance.now();
      const play = user.play(url);
      expect((await play.ended).code).toBe(0);
      expect(play.events.map(({ position_ms }) => Number(position_ms))).toEqual([
        0, 0, 500, 1000, 1500, 2000, 2500, 3000,
      ]);
      const completedMs = (play.events.at(-1)?.atMs ?? 0) - firstProgressMs(play);
      expect(Math.abs(completedMs - 3000), track).toBeLessThan(200);
      await lastSound(user.phone, "speaker", startMs);
      const { lengthMs, gapMs, level } = soundSince(user.phone, "speaker", startMs);
      const after = await stretching(user.phone);
      expect(lengthMs, track).toBeGreaterThan(2910 - (after.removedMs - before.removedMs));
      expect(lengthMs, track).toBeLessThan(3090 + (after.addedMs - before.addedMs));
      expect(gapMs, track).toBeLessThanOrEqual(30);
      expect(Math.abs(decibels(level, levelOfSine(0.5))), track).toBeLessThan(1.5);
    }
    await user.leave();
  });

  test("the first 50 ms and the last 50 ms of a clip arrive, on a cold track and on a warm one", async () => {
    const user = await newUser();
    // The ends are noise, which the phone cannot shorten to match its clock as it does with the tone between them.
    const mark = noise({ durationMs: MARK_MS });
    const samples = Int16Array.from([...mark, ...tone({ frequencyHz: 600, durationMs: 900 }), ...mark]);
    const url = scene.web.add("/marked.wav", wavOf(samples, 48_000));
    for (const track of ["cold", "warm"]) {
      const startMs = performance.now();
      const play = user.play(url);
      const { samples: heard } = await wholeSound(user.phone, "speaker", startMs);
      expect((await play.ended).code).toBe(0);
      const windows = tonesOf(heard, [600]);
      const firstMs = windows.indexOf(600) * WINDOW_MS;
      const lastMs = (windows.length - 1 - windows.lastIndexOf(600)) * WINDOW_MS;
      for (const [end, lengthMs] of [
        ["first", firstMs],
        ["last", lastMs],
      ] as const) {
        // A window beside the tone may hold something of it, and Opus spreads noise over the frame it ends in.
        expect(lengthMs, `${end} 50 ms, ${track}`).toBeGreaterThanOrEqual(MARK_MS - WINDOW_MS);
        expect(lengthMs, `${end} 50 ms, ${track}`).toBeLessThanOrEqual(MARK_MS + OPUS_FRAME_MS);
      }
    }
    await user.leave();
  });

  test("PROGRESS with position 0 comes before the sound is heard, and not more than half a second before", async () => {
    const user = await newUser();
    for (const track of ["cold", "warm"]) {
      const startMs = performance.now();
      const play = user.play(scene.toneUrl(440, 500));
      const { beganAtMs } = await wholeSound(user.phone, "speaker", startMs);
      await play.ended;
      const beforeMs = beganAtMs - firstProgressMs(play);
      // Both arrive on ways of their own; on a busy machine the event may be read a little later than the sound.
      expect(beforeMs, track).toBeGreaterThan(-50);
      expect(beforeMs, track).toBeLessThan(500);
    }
    await user.leave();
  });

  test("a clip that is followed by a second of nothing and another one is heard anew, at once", async () => {
    const user = await newUser();
    for (let round = 0; round < 3; round += 1) {
      const startMs = performance.now();
      const play = user.play(scene.toneUrl(700 + round * 100, 400));
      const { lengthMs, frequencyHz } = await wholeSound(user.phone, "speaker", startMs);
      expect((await play.ended).code).toBe(0);
      expect(Math.abs(frequencyHz - (700 + round * 100))).toBeLessThan(10);
      expect(lengthMs).toBeGreaterThan(360);
      // Longer than the tail of silence: the track has stopped sending.
      await pause(1300);
    }
    await user.leave();
  });
});
