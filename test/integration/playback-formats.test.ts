import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WavEncoding } from "../support/encode.js";
import { encodeWav } from "../support/encode.js";
import type { Sound, Stretching } from "../support/listening.js";
import { decibels, levelOfSine, stretching, wholeSound } from "../support/listening.js";
import { requireLiveKitServer } from "../support/livekit-server.js";
import type { PlaybackScene, PlaybackUser } from "../support/playback-scene.js";
import { pause, startPlaybackScene } from "../support/playback-scene.js";
import { level, shareAt, tone } from "../support/tone.js";
import { wavOf } from "../support/wav.js";

const OK = 0;
/** Sounds are measured in frames of 10 ms: at each end one more or less may be heard. */
const ENDS_MS = 20;

interface Heard extends Sound {
  /** What the phone's own jitter buffer has done meanwhile. */
  readonly stretched: Stretching;
}

describe.skipIf(!requireLiveKitServer())("what is played is what is heard, on a real livekit-server", () => {
  let scene: PlaybackScene;
  let user: PlaybackUser;
  beforeAll(async () => {
    scene = await startPlaybackScene();
    user = await scene.user("formats");
  });
  afterAll(() => scene.stop());

  async function playAndHear(url: string, changes = {}) {
    const before = await stretching(user.phone).catch(() => ({ addedMs: 0, removedMs: 0 }));
    const startMs = performance.now();
    const play = user.play(url, changes);
    const sound = await wholeSound(user.phone, "speaker", startMs);
    const status = await play.ended;
    const after = await stretching(user.phone);
    const stretched = { addedMs: after.addedMs - before.addedMs, removedMs: after.removedMs - before.removedMs };
    return { play, status, heard: { ...sound, stretched } satisfies Heard };
  }

  /** A phone's jitter buffer may repeat or drop some; it says how much, and nothing else may be too long or short. */
  function expectLength({ lengthMs, stretched }: Heard, expectedMs: number): void {
    expect(lengthMs).toBeGreaterThan(expectedMs * 0.98 - ENDS_MS - stretched.removedMs);
    expect(lengthMs).toBeLessThan(expectedMs * 1.02 + ENDS_MS + stretched.addedMs);
  }

  function expectTone(heard: Heard, frequencyHz: number, durationMs: number): void {
    expect(heard.frequencyHz).toBeGreaterThan(frequencyHz * 0.995);
    expect(heard.frequencyHz).toBeLessThan(frequencyHz * 1.005);
    expect(Math.abs(decibels(heard.level, levelOfSine(0.5)))).toBeLessThan(1.5);
    expect(heard.gapMs).toBeLessThanOrEqual(30);
    expectLength(heard, durationMs);
  }

  test.each<[WavEncoding, number, number]>([
    ["u8", 8000, 1],
    ["u8", 22_050, 2],
    ["s16", 8000, 1],
    ["s16", 16_000, 2],
    ["s16", 44_100, 2],
    ["s16", 48_000, 1],
    ["s24", 44_100, 1],
    ["s24", 48_000, 2],
    ["f32", 32_000, 1],
    ["f32", 48_000, 2],
    ["alaw", 8000, 1],
    ["alaw", 16_000, 2],
    ["ulaw", 8000, 1],
    ["ulaw", 11_025, 2],
  ])("a tone in WAV %s at %d Hz in %d channels arrives at its pitch, level and length, whole", async (...format) => {
    const [encoding, sampleRateHz, channels] = format;
    const samples = tone({ frequencyHz: 640, durationMs: 1200, sampleRateHz });
    const url = scene.web.add(`/${format.join("-")}`, encodeWav(samples, { encoding, sampleRateHz, channels }));
    const { play, status, heard } = await playAndHear(url);
    expect(status.code).toBe(OK);
    const metadata = { format: "wav", sample_rate: String(sampleRateHz), channels: String(channels) };
    expect(play.events.at(-1)).toMatchObject({ type: "COMPLETED", duration_ms: "1200", metadata });
    expectTone(heard, 640, 1200);
  });

  test.each([
    ["mp3", "tone-700-22050-1.mp3", 700, "22050", "1"],
    ["mp3", "tone-1100-44100-2.mp3", 1100, "44100", "2"],
    ["ogg-opus", "tone-1300-48000-2.opus", 1300, "48000", "2"],
    ["ogg-vorbis", "tone-900-44100-1.ogg", 900, "44100", "1"],
    ["flac", "tone-500-32000-1.flac", 500, "32000", "1"],
  ])("a tone in %s (%s) arrives at its pitch, level and length, whole", async (...row) => {
    const [format, file, frequencyHz, sample_rate, channels] = row;
    const bytes = await readFile(new URL(`fixtures/${file}`, import.meta.url));
    const { play, status, heard } = await playAndHear(scene.web.add(`/${file}`, bytes));
    expect(status.code).toBe(OK);
    const metadata = { format, sample_rate, channels, bytes: String(bytes.length) };
    expect(play.events.at(-1)).toMatchObject({ type: "COMPLETED", duration_ms: "1200", metadata });
    expectTone(heard, frequencyHz, 1200);
  });

  test("both channels of a stereo file are heard on a mono track, each at half its level", async () => {
    const left = tone({ frequencyHz: 500, durationMs: 800 });
    const right = tone({ frequencyHz: 1700, durationMs: 800 });
    const both = Int16Array.from(
      { length: left.length * 2 },
      (_, index) => (index % 2 ? right : left)[index >> 1] ?? 0,
    );
    const { heard } = await playAndHear(scene.web.add("/both.wav", wavOf(both, 48_000, 2)));
    const middle = heard.samples.subarray(9600, 28_800);
    expect(shareAt(middle, 500)).toBeGreaterThan(0.4);
    expect(shareAt(middle, 1700)).toBeGreaterThan(0.4);
    // Two sines, each half as loud: together 3 dB below one at full.
    expect(Math.abs(decibels(level(middle), levelOfSine(0.5)) + 3)).toBeLessThan(1.5);
  });

  test("a 10 kHz tone in a 48 kHz file arrives at 10 kHz, as loud as it was", async () => {
    const { heard } = await playAndHear(scene.toneUrl(10_000, 1200));
    expectTone(heard, 10_000, 1200);
    expect(shareAt(heard.samples.subarray(9600, 48_000), 10_000)).toBeGreaterThan(0.95);
  });

  test("volume 0.5 halves, 1 and absent leave as it is, 2 doubles", async () => {
    const url = scene.web.add(
      "/quiet.wav",
      encodeWav(tone({ frequencyHz: 640, durationMs: 700, amplitude: 0.25 }), {
        encoding: "s16",
        sampleRateHz: 48_000,
      }),
    );
    const gain = async (changes: object) => decibels((await playAndHear(url, changes)).heard.level, levelOfSine(0.25));
    expect(Math.abs((await gain({ volume: 0.5 })) + 6.02)).toBeLessThan(1);
    expect(Math.abs(await gain({ volume: 1 }))).toBeLessThan(1);
    expect(Math.abs(await gain({ volume: undefined }))).toBeLessThan(1);
    expect(Math.abs((await gain({ volume: 2 })) - 6.02)).toBeLessThan(1);
  });

  test("volume 2 on a loud clip is clamped and does not wrap around", async () => {
    const loud = tone({ frequencyHz: 640, durationMs: 700, amplitude: 0.8 });
    const url = scene.web.add("/loud.wav", encodeWav(loud, { encoding: "s16", sampleRateHz: 48_000 }));
    const { heard } = await playAndHear(url, { volume: 2 });
    const clamped = loud.map((sample) => Math.max(-32_768, Math.min(32_767, sample * 2)));
    expect(Math.abs(decibels(heard.level, level(clamped)))).toBeLessThan(1.5);
    expect(shareAt(heard.samples.subarray(4800, 28_800), 640)).toBeGreaterThan(0.9);
  });

  test("volume 0 is silence, for as long as the clip is", async () => {
    const startMs = performance.now();
    const play = user.play(scene.toneUrl(640, 700), { volume: 0 });
    expect((await play.ended).code).toBe(OK);
    expect(play.events.at(-1)).toMatchObject({ type: "COMPLETED", duration_ms: "700" });
    const progress = play.events.find(({ type }) => type === "PROGRESS");
    expect(performance.now() - (progress?.atMs ?? 0)).toBeGreaterThan(650);
    await pause(300);
    const loudest = Math.max(
      ...user.phone
        .frames("speaker")
        .filter(({ atMs }) => atMs > startMs)
        .map(({ samples }) => level(samples)),
    );
    expect(loudest).toBeLessThan(0.0005);
  });
});
