import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { requireLiveKitServer } from "../support/livekit-server.js";
import type { RealScene } from "../support/real-scene.js";
import { startRealScene } from "../support/real-scene.js";
import { audibleMs, frequencyOf, tone } from "../support/tone.js";

const USERS = 10;
const PACKETS_PER_SECOND = 50;
const SECONDS = 20;
const BYTES = 640;

describe.skipIf(!requireLiveKitServer())("the main job, on a real livekit-server", () => {
  let scene: RealScene;
  beforeAll(async () => {
    scene = await startRealScene();
  });
  afterAll(async () => {
    await scene.stop();
  });

  async function session(user: string) {
    const client = scene.client();
    const phone = await scene.phone(user);
    expect((await client.join(await scene.params(user))).success).toBe(true);
    const stream = client.stream(user);
    await stream.metadata;
    return { client, phone, stream };
  }

  test(`${USERS} users × ${PACKETS_PER_SECOND} packets/s × ${BYTES} bytes for ${SECONDS} s: every byte arrives, in order`, async () => {
    const users = await Promise.all(Array.from({ length: USERS }, (_, i) => session(`load-${i}`)));
    const total = PACKETS_PER_SECOND * SECONDS;
    const startMs = performance.now();
    for (let index = 0; index < total; index += 1) {
      const packet = Buffer.alloc(BYTES, index);
      packet.writeUInt32LE(index, 0);
      for (const { phone } of users) void phone.publishData(packet, { reliable: true });
      // Counted from the start, so that a late timer does not slow the load down.
      const dueMs = startMs + ((index + 1) * 1000) / PACKETS_PER_SECOND;
      await new Promise((resolve) => setTimeout(resolve, dueMs - performance.now()));
    }
    await eventually("every packet", () => users.every(({ stream }) => stream.chunks.length >= total), 10_000);
    for (const { stream } of users) {
      expect(stream.chunks.map(({ pcm_data }) => pcm_data.readUInt32LE(0))).toEqual(
        Array.from({ length: total }, (_, i) => i),
      );
      expect(stream.chunks.every(({ pcm_data }, i) => pcm_data.subarray(4).equals(Buffer.alloc(BYTES - 4, i)))).toBe(
        true,
      );
    }
    await Promise.all(users.map(({ client }, i) => client.leave(`load-${i}`)));
  }, 90_000);

  test("an odd packet's first byte is a sequence number and does not reach the stream", async () => {
    const { client, phone, stream } = await session("odd");
    for (let i = 0; i < 20; i += 1) {
      const packet = Buffer.alloc(321, 7);
      packet[0] = i;
      await phone.publishData(packet, { reliable: true });
    }
    await phone.publishData(Buffer.from([99]), { reliable: true });
    await phone.publishData(Buffer.alloc(2, 8), { reliable: true });
    await eventually("21 chunks", () => stream.chunks.length === 21);
    expect(stream.chunks.slice(0, 20).every(({ pcm_data }) => pcm_data.equals(Buffer.alloc(320, 7)))).toBe(true);
    await client.leave("odd");
  });

  test("other participants' packets, and those of the server's own API, are filtered out", async () => {
    const { client, phone, stream } = await session("target");
    const { joinRtcParticipant } = await import("../support/rtc-participant.js");
    const foreign = await joinRtcParticipant(scene.server.url, await scene.server.token("foreign", "target"), {
      isListening: false,
    });
    await eventually("both in the room", async () => (await client.status("target")).participant_count === 3, 8000);
    for (let i = 0; i < 20; i += 1) {
      await foreign.publishData(Buffer.alloc(640, 66), { reliable: true });
      await phone.publishData(Buffer.alloc(640, i), { reliable: true });
    }
    await scene.server.roomService.sendData("target", Buffer.alloc(640, 77), 0, {});
    await phone.publishData(Buffer.alloc(640, 20), { reliable: true });
    await eventually("21 chunks", () => stream.chunks.length >= 21);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(stream.chunks.map(({ pcm_data }) => pcm_data[0])).toEqual(Array.from({ length: 21 }, (_, i) => i));
    await foreign.leave();
    await client.leave("target");
  });

  test("a phone that comes after the bridge and speaks at once loses nothing", async () => {
    const client = scene.client();
    await client.join(await scene.params("late"));
    const stream = client.stream("late");
    await stream.metadata;
    const phone = await scene.phone("late");
    for (let i = 0; i < 40; i += 1) {
      await phone.publishData(Buffer.alloc(640, i), { reliable: true });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await eventually("40 chunks", () => stream.chunks.length === 40, 8000);
    expect(stream.chunks.map(({ pcm_data }) => pcm_data[0])).toEqual(Array.from({ length: 40 }, (_, i) => i));
    await client.leave("late");
  });

  test("an uplink tone is heard at its frequency, its first samples not cut", async () => {
    const client = scene.client();
    const phone = await scene.phone("ear", { isListening: true });
    await client.join(await scene.params("ear"));
    const stream = client.stream("ear");
    await stream.metadata;
    for (let i = 0; i < 3; i += 1) stream.heartbeat();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(phone.trackNames, "heartbeats publish nothing").toEqual([]);
    const samples = tone({ frequencyHz: 440, durationMs: 1500, sampleRateHz: 16_000 });
    const pcm = Buffer.from(samples.buffer);
    for (let at = 0; at < pcm.length; at += 3200) stream.send(pcm.subarray(at, at + 3200));
    const heard = await phone.hear("speaker", 2500);
    const middle = heard.subarray(heard.length / 5, heard.length / 2);
    expect(frequencyOf(middle)).toBeGreaterThan(437);
    expect(frequencyOf(middle)).toBeLessThan(443);
    expect(audibleMs(heard)).toBeGreaterThan(1500 * 0.97);
    await client.leave("ear");
  });
});
