import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { describeSound, firstSound, lastSound, soundSince } from "../support/listening.js";
import { requireLiveKitServer } from "../support/livekit-server.js";
import type { TestPlayback } from "../support/old-client.js";
import type { PlaybackScene, PlaybackUser } from "../support/playback-scene.js";
import { pause, startPlaybackScene } from "../support/playback-scene.js";
import { joinFrames } from "../support/rtc-participant.js";
import { shareAt, tone } from "../support/tone.js";
import { wavHeaderOfEndless } from "../support/encode.js";

const CANCELLED = 1;
const PACKETS_PER_SECOND = 50;
const DELAY_MAX_MS = 100;
const TRACKS = ["speaker", "app_audio", "tts"];

describe.skipIf(!requireLiveKitServer())(
  "a play beside everything else of its session, on a real livekit-server",
  () => {
    let scene: PlaybackScene;
    let users = 0;
    beforeAll(async () => {
      scene = await startPlaybackScene();
    });
    afterAll(() => scene.stop());

    const newUser = (): Promise<PlaybackUser> => scene.user(`beside-${(users += 1)}`);

    /** A WAV file that never ends; `isClosed` once the bridge has let its connection go. */
    function endlessUrl(path: string) {
      const second = Buffer.from(tone({ frequencyHz: 440, durationMs: 1000 }).buffer);
      const state = { url: "", isClosed: false };
      state.url = scene.web.add(path, (_request, response) => {
        response.writeHead(200);
        response.write(Buffer.concat([wavHeaderOfEndless(48_000), second]));
        const timer = setInterval(() => response.write(second), 900);
        response.once("close", () => {
          clearInterval(timer);
          state.isClosed = true;
        });
      });
      return state;
    }

    async function playHeard(user: PlaybackUser, url: string): Promise<TestPlayback> {
      const startMs = performance.now();
      const play = user.play(url);
      await firstSound(user.phone, "speaker", startMs);
      await pause(300);
      return play;
    }

    async function expectSessionClosed(play: TestPlayback): Promise<void> {
      expect(await play.ended).toMatchObject({ code: CANCELLED, details: "session closed" });
      expect(play.events.at(-1)).toMatchObject({ type: "FAILED", error: "session closed" });
    }

    test("three plays on three tracks at once are each heard, each on its track", async () => {
      const user = await newUser();
      const startMs = performance.now();
      const frequenciesHz = [500, 900, 1700];
      const plays = frequenciesHz.map((frequencyHz, track_id) =>
        user.play(scene.toneUrl(frequencyHz, 1500), { track_id }),
      );
      for (const play of plays) {
        expect((await play.ended).code).toBe(0);
        expect(play.types()).toMatch(/^STARTED (PROGRESS ){3}COMPLETED$/);
      }
      for (const [index, track] of TRACKS.entries()) {
        await lastSound(user.phone, track, startMs);
        const sound = soundSince(user.phone, track, startMs);
        const frequencyHz = frequenciesHz[index] ?? 0;
        expect(Math.abs(sound.frequencyHz - frequencyHz), track).toBeLessThan(frequencyHz / 100);
        expect(sound.lengthMs, track).toBeGreaterThan(1400);
        expect(sound.gapMs, track).toBeLessThanOrEqual(30);
      }
      await user.leave();
    });

    test("uplink audio and a play on the same track are heard together", async () => {
      const user = await newUser();
      const speech = Buffer.from(
        tone({ frequencyHz: 600, durationMs: 1500, sampleRateHz: 16_000, amplitude: 0.3 }).buffer,
      );
      const startMs = performance.now();
      const play = user.play(scene.toneUrl(1500, 1500), { volume: 0.6 });
      await firstSound(user.phone, "speaker", startMs);
      for (let at = 0; at < speech.length; at += 3200) user.stream.send(speech.subarray(at, at + 3200));
      await pause(400);
      const mixedMs = performance.now();
      await pause(500);
      const frames = user.phone.frames("speaker").filter(({ atMs }) => atMs >= mixedMs);
      const mixed = joinFrames(frames).subarray(0, 14_400);
      expect(shareAt(mixed, 600)).toBeGreaterThan(0.35);
      expect(shareAt(mixed, 1500)).toBeGreaterThan(0.35);
      expect((await play.ended).code).toBe(0);
      expect(user.stream.isEnded()).toBe(false);
      await user.leave();
    });

    /** Delays of numbered microphone packets from the phone to the cloud; every one must come, in order. */
    async function microphone(user: PlaybackUser, durationMs: number): Promise<number[]> {
      const total = (durationMs * PACKETS_PER_SECOND) / 1000;
      const sentAtMs: number[] = [];
      const arrivedAtMs: number[] = [];
      const numbers: number[] = [];
      const hear = ({ pcm_data }: { pcm_data: Buffer }) => {
        if (pcm_data.length !== 640) return;
        arrivedAtMs.push(performance.now());
        numbers.push(pcm_data.readUInt32LE(0));
      };
      user.stream.call.on("data", hear);
      const startMs = performance.now();
      for (let index = 0; index < total; index += 1) {
        const packet = Buffer.alloc(640);
        packet.writeUInt32LE(index, 0);
        sentAtMs.push(performance.now());
        await user.phone.publishData(packet, { reliable: true });
        await pause(startMs + ((index + 1) * 1000) / PACKETS_PER_SECOND - performance.now());
      }
      await eventually("every packet", () => numbers.length >= total);
      user.stream.call.off("data", hear);
      expect(numbers).toEqual(Array.from({ length: total }, (_, index) => index));
      return arrivedAtMs.map((atMs, index) => atMs - (sentAtMs[index] ?? 0)).toSorted((a, b) => a - b);
    }

    test(`microphone packets flow on while three tracks play: none lost, none later than ${DELAY_MAX_MS} ms beyond what they need without`, async () => {
      const user = await newUser();
      const quiet = await microphone(user, 2000);
      const plays = [0, 1, 2].map((track_id) => user.play(scene.toneUrl(500 + track_id, 4000), { track_id }));
      await firstSound(user.phone, "tts", performance.now());
      const busy = await microphone(user, 3000);
      expect(busy.at(-1)).toBeLessThan((quiet.at(-1) ?? 0) + DELAY_MAX_MS);
      expect(busy[Math.floor(busy.length * 0.95)]).toBeLessThan(DELAY_MAX_MS);
      for (const play of plays) expect((await play.ended).code).toBe(0);
      await user.leave();
    });

    test('LeaveRoom during a play ends it FAILED "session closed", its fetch and its track', async () => {
      const user = await newUser();
      const file = endlessUrl("/left.wav");
      const play = await playHeard(user, file.url);
      await user.client.leave(user.name);
      await expectSessionClosed(play);
      await eventually("its connection closed", () => file.isClosed, 1000);
      await eventually("its track gone", () => user.phone.trackNames.length === 0, 3000);
      user.client.close();
    });

    test("a caller that cancels: silence, nothing left of the play, and the session goes on", async () => {
      const user = await newUser();
      const file = endlessUrl("/cancelled.wav");
      const play = await playHeard(user, file.url);
      const cancelledMs = performance.now();
      play.call.cancel();
      expect((await lastSound(user.phone, "speaker", cancelledMs)) - cancelledMs).toBeLessThan(1000);
      await eventually("its connection closed", () => file.isClosed, 1000);
      const stop = await user.client.stop({ user_id: user.name, reason: "nothing there" });
      expect(stop).toMatchObject({ success: true, stopped_request_id: "" });
      expect(user.stream.isEnded()).toBe(false);
      const next = user.play(scene.toneUrl(800, 400));
      expect((await next.ended).code).toBe(0);
      const heard = soundSince(user.phone, "speaker", next.events[0]?.atMs ?? 0);
      expect(Math.abs(heard.frequencyHz - 800)).toBeLessThan(10);
      await user.leave();
    });

    test('removed from the room by LiveKit during a play: FAILED "session closed", the stream OK, the fetch ended', async () => {
      const user = await newUser();
      const file = endlessUrl("/kicked.wav");
      const play = await playHeard(user, file.url);
      await scene.server.roomService.removeParticipant(user.name, `cloud-agent:${user.name}`);
      await expectSessionClosed(play);
      expect((await user.stream.ended).code).toBe(0);
      await eventually("its connection closed", () => file.isClosed, 1000);
      const late = user.play(scene.toneUrl(800, 400));
      expect(await late.ended).toMatchObject({ code: 5, details: `session not found for user ${user.name}` });
      user.client.close();
    });

    test("a bad URL beside a good one disturbs nobody", async () => {
      const user = await newUser();
      const startMs = performance.now();
      const good = user.play(scene.toneUrl(700, 1200));
      await firstSound(user.phone, "speaker", startMs);
      const bad = [
        user.play(scene.web.add("/text.mp3", Buffer.from("no audio at all")), { track_id: 1 }),
        user.play(
          scene.web.add("/gone.wav", (_request, response) => response.writeHead(404).end()),
          { track_id: 1 },
        ),
      ];
      for (const play of bad) expect((await play.ended).code).not.toBe(0);
      expect((await good.ended).code).toBe(0);
      await lastSound(user.phone, "speaker", startMs);
      const { gapMs } = describeSound(soundSince(user.phone, "speaker", startMs).samples);
      expect(gapMs).toBeLessThanOrEqual(30);
      await user.leave();
    });
  },
);
