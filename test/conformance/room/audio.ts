import { expect, test } from "vitest";
import { TrackPublishError, type PublishedTrack, type Room, type TrackFormat } from "../../../src/livekit/room.js";
import { eventually, sleep, type Stage } from "./stage.js";
import { analyse, createToneSource, laterThan, TONE_LEVEL, type HeardTone, type ToneSource } from "./tone.js";

const MONO: TrackFormat = { sampleRateHz: 48_000, channels: 1 };

async function publish(room: Room, name: string, source: ToneSource): Promise<PublishedTrack> {
  return await room.publishTrack(name, MONO, source);
}

function expectTone(tone: HeardTone, frequencyHz: number, durationMs: number): void {
  // A receiver's jitter buffer may stretch sound while it fills, and shorten it when it holds more than it wants; what is
  // lost or repeated is more than that.
  expect(tone.durationMs).toBeGreaterThanOrEqual(durationMs * 0.9);
  expect(tone.durationMs).toBeLessThanOrEqual(durationMs * 1.4);
  expect(Math.abs(tone.frequencyHz - frequencyHz)).toBeLessThan(frequencyHz * 0.02);
  expect(tone.level).toBeGreaterThan(TONE_LEVEL * 0.8);
  expect(tone.level).toBeLessThan(TONE_LEVEL * 1.2);
}

export function describeAudio(stage: () => Stage): void {
  test("a tone is heard at its frequency and level, its beginning not cut, and silence after it", async () => {
    const name = stage().freshRoom();
    const phone = await stage().join("phone", name);
    const { room } = await stage().connect("bridge", name);
    const source = createToneSource(440);
    source.play(500);
    const hearing = phone.hear("speaker", 2_000);
    const track = await publish(room, "speaker", source);
    expect(track.name).toBe("speaker");
    const tone = analyse(await hearing);
    expectTone(tone, 440, 500);
    expect(tone.levelAfter).toBeLessThan(TONE_LEVEL * 0.02);
  });

  test("a source that idles is asked for nothing any more, until a wake resumes it", async () => {
    const name = stage().freshRoom();
    const phone = await stage().join("phone", name);
    const { room } = await stage().connect("bridge", name);
    const source = createToneSource(600);
    source.play(100);
    const hearing = phone.hear("speaker", 5_000);
    const track = await publish(room, "speaker", source);
    await eventually(() => expect(source.reads).toBeGreaterThan(10));
    await eventually(async () => {
      const before = source.reads;
      await sleep(200);
      expect(source.reads).toBe(before);
    });
    const idleReads = source.reads;
    source.play(400);
    track.wake();
    expectTone(analyse(laterThan(await hearing, 200)), 600, 400);
    expect(source.reads).toBeGreaterThan(idleReads);
  });

  test("two tracks are heard apart, each under its name", async () => {
    const name = stage().freshRoom();
    const phone = await stage().join("phone", name);
    const { room } = await stage().connect("bridge", name);
    const [low, high] = [createToneSource(300), createToneSource(900)];
    low.play(800);
    high.play(800);
    const hearing = Promise.all([phone.hear("speaker", 2_000), phone.hear("tts", 2_000)]);
    await Promise.all([publish(room, "speaker", low), publish(room, "tts", high)]);
    expect(stage().harness.engine.counts().tracks).toBe(2);
    const [speaker, tts] = await hearing;
    expectTone(analyse(speaker), 300, 800);
    expectTone(analyse(tts), 900, 800);
  });

  test("a closed track is gone for everybody; closing twice is closing once, and a late wake is nothing", async () => {
    const name = stage().freshRoom();
    const phone = await stage().join("phone", name);
    const { room } = await stage().connect("bridge", name);
    const source = createToneSource(440);
    const track = await publish(room, "speaker", source);
    await eventually(() => expect(phone.trackNames).toEqual(["speaker"]));
    expect(stage().harness.engine.counts().tracks).toBe(1);
    await Promise.all([track.close(), track.close()]);
    await track.close();
    expect(stage().harness.engine.counts().tracks).toBe(0);
    await eventually(() => expect(phone.trackNames).toEqual([]));
    const reads = source.reads;
    source.play(100);
    track.wake();
    await sleep(100);
    expect(source.reads).toBe(reads);
  });

  test("a track of a name that was closed before can be published again", async () => {
    const name = stage().freshRoom();
    const phone = await stage().join("phone", name);
    const { room } = await stage().connect("bridge", name);
    const first = await publish(room, "speaker", createToneSource(440));
    await first.close();
    await eventually(() => expect(phone.trackNames).toEqual([]));
    const source = createToneSource(700);
    source.play(500);
    const hearing = phone.hear("speaker", 2_000);
    await publish(room, "speaker", source);
    expectTone(analyse(await hearing), 700, 500);
  });

  test("a token without canPublish joins and hears, but publishing is not allowed", async () => {
    const name = stage().freshRoom();
    const { room, heard } = await stage().connect("bridge", name, { canPublish: false });
    const failure = await publish(room, "speaker", createToneSource(440)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TrackPublishError);
    expect(failure).toMatchObject({ code: "not_allowed" });
    expect(stage().harness.engine.counts().tracks).toBe(0);
    const phone = await stage().join("phone", name);
    await phone.publishData(new Uint8Array([1]));
    await eventually(() => expect(heard.packets).toHaveLength(1));
  });
}
