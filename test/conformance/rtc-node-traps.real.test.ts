// What LiveKit's native library gets wrong when it is used as its examples show. Each title is a promise of the engine.

import { describe, expect, test } from "vitest";
import { requireLiveKitServer } from "../support/livekit-server.js";
import { audibleMs, frequencyOf, level, onsetMs, shareAt, tone } from "../support/tone.js";
import { MONO, NOTHING_LEFT, play, setUpStage, SILENCE, sleep, until } from "./rtc-node-stage.js";

describe.skipIf(requireLiveKitServer() === undefined)("the rtc-node engine with a real server", () => {
  const stage = setUpStage();

  test("20 joins take less than 500 ms each", async () => {
    const tookMs: number[] = [];
    for (let count = 0; count < 20; count += 1) {
      const startMs = performance.now();
      const { room } = await stage.connect(stage.freshRoom());
      tookMs.push(performance.now() - startMs);
      await room.close();
    }
    tookMs.sort((a, b) => a - b);
    console.info(`join: median ${tookMs[10]?.toFixed(0)} ms, slowest ${tookMs.at(-1)?.toFixed(0)} ms`);
    expect(tookMs[18]).toBeLessThan(500);
  });

  test("the first 40 ms of a clip on a new track are heard", async () => {
    const name = stage.freshRoom();
    const phone = await stage.joinPhone(name);
    const { room } = await stage.connect(name);
    const head = tone({ frequencyHz: 1000, durationMs: 40 });
    const clip = concat(head, tone({ frequencyHz: 400, durationMs: 400 }));
    await room.publishTrack("speaker", MONO, play(clip));
    const heard = await phone.hear("speaker", 1200);
    const start = Math.round((onsetMs(heard) ?? 0) * 48);
    const headMs =
      windows(heard.subarray(start, start + 48 * 200)).filter((part) => shareAt(part, 1000) > 0.5).length * 5;
    console.info(`of the first 40 ms, ${headMs} ms heard; ${audibleMs(heard)} of 440 ms in all`);
    expect(headMs).toBeGreaterThanOrEqual(25);
    expect(audibleMs(heard)).toBeGreaterThanOrEqual(430);
    expect(frequencyOf(heard.subarray(start + 48 * 150, start + 48 * 350))).toBeCloseTo(400, -1);
  });

  test("a stereo track is heard", async () => {
    const name = stage.freshRoom();
    const phone = await stage.joinPhone(name);
    const { room } = await stage.connect(name);
    const mono = tone({ frequencyHz: 500, durationMs: 500 });
    const stereo = Int16Array.from({ length: mono.length * 2 }, (_, index) => mono[index >> 1] ?? 0);
    await room.publishTrack("app_audio", { sampleRateHz: 48_000, channels: 2 }, play(stereo));
    const heard = await phone.hear("app_audio", 1000);
    const start = Math.round((onsetMs(heard) ?? 0) * 48);
    expect(frequencyOf(heard.subarray(start + 48 * 100, start + 48 * 400))).toBeCloseTo(500, -1);
    expect(level(heard.subarray(start + 48 * 100, start + 48 * 400))).toBeGreaterThan(0.25);
  });

  test("an idle track hands no frames to the native side", async () => {
    const { room } = await stage.connect(stage.freshRoom());
    await room.publishTrack("speaker", MONO, SILENCE);
    await sleep(1500);
    let requests = 0;
    const original = stage.client.requestBytes.bind(stage.client);
    stage.client.requestBytes = (bytes) => {
      requests += 1;
      return original(bytes);
    };
    await sleep(300);
    Reflect.deleteProperty(stage.client, "requestBytes");
    expect(requests).toBe(0);
  });

  test("a packet of almost 64,000 bytes, LiveKit's limit with its envelope, arrives; reliable and lossy are told apart", async () => {
    const name = stage.freshRoom();
    const phone = await stage.joinPhone(name);
    const { heard } = await stage.connect(name);
    const payload = Uint8Array.from({ length: 63_900 }, (_, index) => index % 251);
    await phone.publishData(payload);
    await phone.publishData(payload.subarray(0, 1000), { reliable: false });
    await until(() => heard.packets.length === 2);
    const [large, small] = heard.packets.toSorted((a, b) => b.payload.length - a.payload.length);
    expect(large?.payload).toEqual(payload);
    expect([large?.isReliable, small?.isReliable]).toEqual([true, false]);
  });

  describe("after the server has ended a room", () => {
    const removed = (room: string): Promise<void> => stage.server.roomService.removeParticipant(room, "bridge");
    test.each([
      ["participant_removed", removed],
      ["room_deleted", (room: string) => stage.server.roomService.deleteRoom(room)],
      ["duplicate_identity", async (room: string) => void (await stage.connect(room))],
    ])("as %s, no listener, waiter or route of it is left", async (reason, cause) => {
      const name = stage.freshRoom();
      const phone = await stage.joinPhone(name);
      const before = stage.client.counts();
      const { room, heard } = await stage.connect(name);
      await room.publishTrack("speaker", MONO, SILENCE);
      await cause(name);
      await until(() => heard.ended.length > 0);
      expect(heard.ended).toEqual([reason]);
      const newcomers = reason === "duplicate_identity" ? 1 : 0;
      expect(stage.engine.counts()).toEqual({ ...NOTHING_LEFT, rooms: newcomers });
      expect(stage.client.counts()).toMatchObject({ rooms: before.rooms + newcomers, waiters: before.waiters });
      expect(phone.identity).toBe("phone");
    });
  });

  test("30 times in and out leave listeners, routes and waiters as they were", async () => {
    const before = stage.client.counts();
    for (let count = 0; count < 30; count += 1) {
      const { room } = await stage.connect(stage.freshRoom());
      if (count % 3 === 0) await room.publishTrack("speaker", MONO, SILENCE);
      await room.close();
    }
    expect(stage.engine.counts()).toEqual(NOTHING_LEFT);
    expect(stage.client.counts()).toEqual(before);
  });
});

function concat(...parts: readonly Int16Array[]): Int16Array {
  return Int16Array.from(parts.flatMap((part) => [...part]));
}

function windows(samples: Int16Array): Int16Array[] {
  const size = 240;
  return Array.from({ length: Math.floor(samples.length / size) }, (_, index) =>
    samples.subarray(index * size, (index + 1) * size),
  );
}
