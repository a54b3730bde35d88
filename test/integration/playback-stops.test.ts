import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DirectPublisher } from "../support/direct-publisher.js";
import { joinDirectPublisher } from "../support/direct-publisher.js";
import { eventually } from "../support/eventually.js";
import { firstSound, framesOfTone, lastSound, wholeSound } from "../support/listening.js";
import { requireLiveKitServer } from "../support/livekit-server.js";
import type { TestPlayback } from "../support/old-client.js";
import type { PlaybackScene, PlaybackUser } from "../support/playback-scene.js";
import { pause, startPlaybackScene } from "../support/playback-scene.js";
import { tone } from "../support/tone.js";

const CANCELLED = 1;
const SILENT_WITHIN_MS = 100;
const RUNS = 3;

describe.skipIf(!requireLiveKitServer())("what is stopped falls silent, on a real livekit-server", () => {
  let scene: PlaybackScene;
  let user: PlaybackUser;
  let direct: DirectPublisher;
  /** From a direct publisher's stop to the last sound of it: what network and jitter buffer need in this run. */
  let controlMs: number;
  beforeAll(async () => {
    scene = await startPlaybackScene();
    user = await scene.user("stops");
    direct = await joinDirectPublisher(scene, { room: "stops", trackName: "direct" });
    controlMs = await medianOf(async () => {
      const startMs = direct.play(tone({ frequencyHz: 440, durationMs: 5000 }));
      await firstSound(user.phone, "direct", startMs);
      await pause(500);
      const stoppedMs = direct.stop();
      return (await lastSound(user.phone, "direct", stoppedMs)) - stoppedMs;
    });
  });
  afterAll(async () => {
    await direct.leave();
    await scene.stop();
  });

  async function medianOf(measure: () => Promise<number>): Promise<number> {
    const all: number[] = [];
    for (let run = 0; run < RUNS; run += 1) all.push(await measure());
    return all.toSorted((a, b) => a - b)[Math.floor(RUNS / 2)] ?? Number.NaN;
  }

  async function playLong(changes = {}, track = "speaker"): Promise<TestPlayback> {
    const startMs = performance.now();
    const play = user.play(scene.toneUrl(440, 8000), changes);
    await firstSound(user.phone, track, startMs);
    await pause(300);
    return play;
  }

  /** Milliseconds from the call to the last sound. */
  async function untilSilent(track: string, call: () => Promise<unknown>): Promise<number> {
    const calledMs = performance.now();
    await call();
    return (await lastSound(user.phone, track, calledMs)) - calledMs;
  }

  async function expectCancelled(play: TestPlayback, error: string): Promise<void> {
    expect(await play.ended).toMatchObject({ code: CANCELLED, details: error });
    expect(play.events.at(-1)).toMatchObject({ type: "FAILED", error });
    expect(play.events.filter(({ type }) => type === "FAILED" || type === "COMPLETED")).toHaveLength(1);
  }

  test(`StopAudio: no sound later than ${SILENT_WITHIN_MS} ms after the call, but for what a direct publisher needs, too`, async () => {
    const neededMs = await medianOf(async () => {
      const play = await playLong();
      const silentMs = await untilSilent("speaker", () => user.client.stop({ user_id: "stops", reason: "enough" }));
      await expectCancelled(play, "stopped: enough");
      return silentMs;
    });
    expect(neededMs).toBeLessThan(controlMs + SILENT_WITHIN_MS);
  });

  test("StopAudio as old clients send it, without track_id, stops all and names all", async () => {
    const plays = [
      await playLong(),
      await playLong({ track_id: 1 }, "app_audio"),
      await playLong({ track_id: 2 }, "tts"),
    ];
    const calledMs = performance.now();
    const reply = await user.client.stop({ user_id: "stops", request_id: "", reason: "button" });
    const ids = plays.map(({ events }) => events[0]?.request_id);
    expect(reply).toMatchObject({ success: true, error: "", stopped_request_id: ids.join(",") });
    for (const track of ["speaker", "app_audio", "tts"]) {
      const silentMs = (await lastSound(user.phone, track, calledMs)) - calledMs;
      expect(silentMs, track).toBeLessThan(controlMs + 2 * SILENT_WITHIN_MS);
    }
    for (const play of plays) await expectCancelled(play, "stopped: button");
  });

  test("StopAudio by request_id stops that one, by track_id that track; the others sound on", async () => {
    const [speaker, app, tts] = [
      await playLong({ request_id: "on-speaker" }),
      await playLong({ request_id: "on-app", track_id: 1 }, "app_audio"),
      await playLong({ request_id: "on-tts", track_id: 2 }, "tts"),
    ];
    const byId = await user.client.stop({ user_id: "stops", request_id: "on-app", reason: "id" });
    expect(byId.stopped_request_id).toBe("on-app");
    await expectCancelled(app, "stopped: id");
    await lastSound(user.phone, "app_audio", performance.now());
    const byTrack = await user.client.stop({ user_id: "stops", request_id: "", track_id: 0, reason: "track" });
    expect(byTrack.stopped_request_id).toBe("on-speaker");
    await expectCancelled(speaker, "stopped: track");
    await lastSound(user.phone, "speaker", performance.now());
    await firstSound(user.phone, "tts", performance.now(), 500);
    const rest = await user.client.stop({ user_id: "stops", request_id: "", track_id: -1, reason: "rest" });
    expect(rest.stopped_request_id).toBe("on-tts");
    await expectCancelled(tts, "stopped: rest");
  });

  test("an unknown request_id stops nothing, and a second stop finds nothing to stop", async () => {
    const play = await playLong({ request_id: "known" });
    const unknown = await user.client.stop({ user_id: "stops", request_id: "nobody's", reason: "x" });
    expect(unknown).toMatchObject({ success: true, stopped_request_id: "" });
    await pause(400);
    await firstSound(user.phone, "speaker", performance.now(), 500);
    const stop = () => user.client.stop({ user_id: "stops", request_id: "known", reason: "now" });
    expect((await stop()).stopped_request_id).toBe("known");
    expect(await stop()).toMatchObject({ success: true, stopped_request_id: "" });
    await expectCancelled(play, "stopped: now");
  });

  test("a newer play on the same track: the old one is heard no more, the new one whole", async () => {
    const silentMs = await medianOf(async () => {
      const old = await playLong();
      const calledMs = performance.now();
      // Silence, so that the end of the old one can be heard.
      const newer = user.play(scene.toneUrl(440, 600), { volume: 0, request_id: `newer-${calledMs}` });
      const lastMs = await lastSound(user.phone, "speaker", calledMs);
      await expectCancelled(old, `interrupted by newer-${calledMs}`);
      expect((await newer.ended).code).toBe(0);
      return lastMs - calledMs;
    });
    expect(silentMs).toBeLessThan(controlMs + SILENT_WITHIN_MS);
    const old = await playLong();
    const newer = user.play(scene.toneUrl(1500, 800), { request_id: "audible" });
    await expectCancelled(old, "interrupted by audible");
    expect((await newer.ended).code).toBe(0);
    await lastSound(user.phone, "speaker", performance.now());
    const newMs = framesOfTone(user.phone, "speaker", newer.events[0]?.atMs ?? 0, 1500) * 10;
    expect(newMs).toBeGreaterThan(740);
  });

  test("stop_other: all others fall silent, whatever their track, and the new one is heard", async () => {
    const others = [await playLong({ track_id: 1 }, "app_audio"), await playLong({ track_id: 2 }, "tts")];
    const calledMs = performance.now();
    const newer = user.play(scene.toneUrl(1500, 500), { stop_other: true, request_id: "alone" });
    const sound = await wholeSound(user.phone, "speaker", calledMs);
    expect(Math.abs(sound.frequencyHz - 1500)).toBeLessThan(15);
    for (const track of ["app_audio", "tts"]) {
      const silentMs = (await lastSound(user.phone, track, calledMs)) - calledMs;
      expect(silentMs, track).toBeLessThan(controlMs + 2 * SILENT_WITHIN_MS);
    }
    for (const other of others) await expectCancelled(other, "interrupted by alone");
    expect((await newer.ended).code).toBe(0);
  });

  test("play, stop, play: what comes after a stop is heard whole", async () => {
    for (let round = 0; round < 3; round += 1) {
      const stopped = await playLong();
      await user.client.stop({ user_id: "stops", reason: "again" });
      await expectCancelled(stopped, "stopped: again");
      await lastSound(user.phone, "speaker", performance.now());
      const startMs = performance.now();
      const play = user.play(scene.toneUrl(900, 500));
      const { frequencyHz, lengthMs } = await wholeSound(user.phone, "speaker", startMs);
      expect((await play.ended).code).toBe(0);
      expect(Math.abs(frequencyHz - 900)).toBeLessThan(10);
      expect(lengthMs).toBeGreaterThan(450);
    }
  });

  test("a play that is stopped before its file has come is never heard", async () => {
    let isClosed = false;
    const url = scene.web.add("/never.wav", (_request, response) => {
      response.once("close", () => (isClosed = true));
    });
    const startMs = performance.now();
    const play = user.play(url, { request_id: "waiting" });
    await eventually("the request", () => scene.web.requests.get("/never.wav") === 1);
    expect((await user.client.stop({ user_id: "stops", reason: "early" })).stopped_request_id).toBe("waiting");
    await expectCancelled(play, "stopped: early");
    await eventually("its connection closed", () => isClosed, 1000);
    await pause(300);
    await expect(firstSound(user.phone, "speaker", startMs, 100)).rejects.toThrow();
  });
});
