import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { frequencyOf, level, shareAt } from "../support/tone.js";
import { CODE, expectOneEnd, sleep, useScene } from "./scene.js";
import type { Scene } from "./scene.js";

const QUIET = { frequencyHz: 440, durationMs: 400 };

describe("PlayAudio", () => {
  let scene: Scene;
  useScene((fresh) => (scene = fresh));

  test("says STARTED at once, PROGRESS from the first sample on, COMPLETED when the last was played, then OK", async () => {
    const startMs = performance.now();
    const play = scene.play(scene.tone(440, 1700, 0.5, 16_000), { request_id: "whole" });
    expect((await play.ended).code).toBe(CODE.OK);
    expectOneEnd(play, "whole");
    expect(play.types()).toBe("STARTED PROGRESS PROGRESS PROGRESS PROGRESS COMPLETED");
    expect(play.events.map(({ position_ms }) => Number(position_ms))).toEqual([0, 0, 500, 1000, 1500, 1700]);
    expect(play.events.at(-1)).toMatchObject({
      duration_ms: "1700",
      metadata: { format: "wav", sample_rate: "16000" },
    });
    const [started, first] = play.events;
    expect((started?.atMs ?? 0) - startMs).toBeLessThan(200);
    const playedMs = (play.events.at(-1)?.atMs ?? 0) - (first?.atMs ?? 0);
    expect(playedMs).toBeGreaterThan(1500);
    expect(playedMs).toBeLessThan(1900);
    expect(scene.soundOn("speaker").length / 48).toBeGreaterThan(1695);
    expect(frequencyOf(scene.soundOn("speaker"))).toBeCloseTo(440, -0.5);
  });

  test("says STARTED before anything is known of the file", async () => {
    const play = scene.play(scene.silentServer());
    await eventually("STARTED", () => play.types() === "STARTED");
    await sleep(50);
    expect(play.types()).toBe("STARTED");
    play.call.cancel();
    await play.ended;
  });

  test("20 plays in a row are all heard and all COMPLETED", async () => {
    for (let round = 0; round < 20; round += 1) {
      scene.heard.clear();
      const play = scene.play(scene.tone(400 + round * 50, 60));
      expect((await play.ended).code).toBe(CODE.OK);
      expect(frequencyOf(scene.soundOn("speaker"))).toBeCloseTo(400 + round * 50, -1.5);
    }
  });

  test("a request without an id gets one, the same in every event", async () => {
    const play = scene.play(scene.tone(440, 100), { request_id: "" });
    await play.ended;
    const [id] = play.events.map(({ request_id }) => request_id);
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expectOneEnd(play, id ?? "");
  });

  test.each([
    { volume: undefined, expected: 0.25 },
    { volume: 1, expected: 0.25 },
    { volume: 0.5, expected: 0.125 },
    { volume: 0, expected: 0 },
    { volume: 2, expected: 0.5 },
  ])(
    "volume $volume turns a level of 0.25 into $expected, and the clip plays to its end",
    async ({ volume, expected }) => {
      const url = scene.tone(QUIET.frequencyHz, QUIET.durationMs, 0.25);
      const request = {
        request_id: "loud",
        user_id: "alice",
        audio_url: url,
        ...(volume === undefined ? {} : { volume }),
      };
      const play = scene.harness.client.playRaw(request);
      expect((await play.ended).code).toBe(CODE.OK);
      expect(Number(play.events.at(-1)?.duration_ms)).toBe(QUIET.durationMs);
      const heard = scene.samplesOn("speaker").subarray(0, QUIET.durationMs * 48);
      expect(Math.max(...heard) / 32_767).toBeCloseTo(expected, 2);
    },
  );

  test("a volume that would leave the range is clamped, never wrapped around", async () => {
    await scene.play(scene.tone(440, 300, 0.8), { volume: 5 }).ended;
    const heard = scene.soundOn("speaker");
    expect([Math.max(...heard), Math.min(...heard)]).toEqual([32_767, -32_768]);
    // A sine clipped at a fifth of its height is nearly a square; wrapped around it would be noise.
    expect(level(heard)).toBeGreaterThan(0.9);
    expect(shareAt(heard, 440)).toBeGreaterThan(0.7);
  });
});

describe("Tracks", () => {
  let scene: Scene;
  useScene((fresh) => (scene = fresh));

  test("a play replaces the one on its track, which ends CANCELLED, and only the new one is heard on", async () => {
    const older = await scene.playing(scene.tone(440, 3000), { request_id: "older" });
    const newer = scene.play(scene.tone(1000, 300), { request_id: "newer" });
    expect(await older.ended).toMatchObject({ code: CODE.CANCELLED, details: "interrupted by newer" });
    expect(older.events.at(-1)).toMatchObject({ type: "FAILED", error: "interrupted by newer" });
    expect((await newer.ended).code).toBe(CODE.OK);
    expectOneEnd(older, "older");
    expectOneEnd(newer, "newer");
    const tail = scene.soundOn("speaker").subarray(-290 * 48);
    expect(shareAt(tail, 1000)).toBeGreaterThan(0.98);
  });

  test("a duplicate request id replaces its first use, on whatever track", async () => {
    const older = await scene.playing(scene.tone(440, 3000), { request_id: "same", track_id: 1 });
    const newer = scene.play(scene.tone(880, 100), { request_id: "same", track_id: 2 });
    expect(await older.ended).toMatchObject({ code: CODE.CANCELLED, details: "interrupted by same" });
    expect((await newer.ended).code).toBe(CODE.OK);
  });

  test("plays on different tracks are heard side by side, each on its own", async () => {
    const plays = [500, 800, 1100].map((hz, track_id) => scene.play(scene.tone(hz, 500), { track_id }));
    for (const play of plays) expect((await play.ended).code).toBe(CODE.OK);
    for (const [index, track] of ["speaker", "app_audio", "tts"].entries()) {
      expect(frequencyOf(scene.soundOn(track))).toBeCloseTo(500 + index * 300, -1);
    }
  });

  test("microphone audio and a playback on one track are mixed", async () => {
    const stream = scene.harness.client.stream("alice");
    await stream.metadata;
    const play = await scene.playing(scene.tone(500, 1500, 0.3));
    const uplink = Int16Array.from({ length: 16_000 }, (_, i) => 9830 * Math.sin((2 * Math.PI * 1500 * i) / 16_000));
    stream.send(Buffer.from(uplink.buffer));
    expect((await play.ended).code).toBe(CODE.OK);
    const middle = scene.soundOn("speaker").subarray(-1000 * 48, -600 * 48);
    expect(shareAt(middle, 500)).toBeCloseTo(0.5, 1);
    expect(shareAt(middle, 1500)).toBeCloseTo(0.5, 1);
  });

  test("what is too loud together is clamped", async () => {
    const stream = scene.harness.client.stream("alice");
    await stream.metadata;
    const play = await scene.playing(scene.tone(500, 1200, 0.9));
    const uplink = Int16Array.from({ length: 16_000 }, (_, i) => 29_490 * Math.sin((2 * Math.PI * 500 * i) / 16_000));
    stream.send(Buffer.from(uplink.buffer));
    await play.ended;
    const heard = scene.soundOn("speaker");
    let jumps = 0;
    for (let i = 1; i < heard.length; i += 1) if (Math.abs((heard[i] ?? 0) - (heard[i - 1] ?? 0)) > 30_000) jumps += 1;
    // Where the microphone begins the wave may jump once; a sum that wraps around jumps in every period.
    expect(jumps).toBeLessThanOrEqual(2);
  });

  test("stop_other ends all five others first", async () => {
    const url = scene.tone(440, 5000);
    const others = await Promise.all([0, 1, 2, 3, 4].map((track_id) => scene.playing(url, { track_id })));
    const last = scene.play(scene.tone(880, 100), { request_id: "last", track_id: 5, stop_other: true });
    for (const other of others) {
      expect(await other.ended).toMatchObject({ code: CODE.CANCELLED, details: "interrupted by last" });
    }
    expect((await last.ended).code).toBe(CODE.OK);
  });

  test("ten play at once, the eleventh is refused, one that replaces is taken", async () => {
    const url = scene.tone(440, 5000);
    const ten = await Promise.all(
      Array.from({ length: 10 }, (_, track_id) => scene.playing(url, { track_id, request_id: `ten-${track_id}` })),
    );
    const eleventh = scene.play(url, { track_id: 10, request_id: "eleven" });
    const message = "too many playbacks at once: at most 10";
    expect(await eleventh.ended).toMatchObject({ code: CODE.RESOURCE_EXHAUSTED, details: message });
    expect(eleventh.types()).toBe("FAILED");
    expect(eleventh.events[0]).toMatchObject({ request_id: "eleven", error: message });
    const replacing = await scene.playing(url, { track_id: 3, request_id: "replacing" });
    expect((await ten[3]?.ended)?.details).toBe("interrupted by replacing");
    expect(scene.playbacks()).toBe(10);
    await scene.stop();
    await Promise.all([...ten, replacing].map(({ ended }) => ended));
  });

  test("the session is `playing` while anything plays, and `streaming` before and after", async () => {
    expect(scene.mediaState()).toBe("streaming");
    const one = await scene.playing(scene.tone(440, 250), { track_id: 0 });
    const two = await scene.playing(scene.tone(440, 500), { track_id: 1 });
    expect(scene.mediaState()).toBe("playing");
    await one.ended;
    expect(scene.mediaState()).toBe("playing");
    await two.ended;
    await eventually("streaming again", () => scene.mediaState() === "streaming");
  });

  test("a bad URL beside a good one disturbs nothing", async () => {
    const good = await scene.playing(scene.tone(440, 800), { track_id: 0 });
    const bad = scene.play(scene.web.add("/bad", Buffer.from("no audio at all, just a text")), { track_id: 1 });
    expect((await bad.ended).code).not.toBe(CODE.OK);
    expect((await good.ended).code).toBe(CODE.OK);
    expect(scene.soundOn("speaker").length / 48).toBeCloseTo(800, -1);
  });
});
