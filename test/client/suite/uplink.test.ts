// Audio and heartbeats on their way up: in order, complete, and never more of it in memory than the bound.

import { expect, test } from "vitest";
import type { BridgeClient } from "../../../src/client/bridge-client.js";
import { eventually } from "../../support/eventually.js";
import { createScene } from "./scene.js";
import type { User } from "./scene.js";

const scene = createScene({ kind: "new" });

const receivedOf = ({ userId }: User) => scene.bridge.received(userId);

test("the first chunk of a stream is empty and names the user; heartbeats are empty", async () => {
  const user = scene.user({ limits: { heartbeatIntervalMs: 20 } });
  await user.client.connect();
  await eventually("heartbeats come", async () => (await receivedOf(user)).totals.heartbeats >= 3);
  const [first, ...heartbeats] = (await receivedOf(user)).chunks;
  expect(first).toMatchObject({ isFirst: true, sizeBytes: 0, userId: user.userId, sampleRate: 16_000, channels: 1 });
  for (const { isHeartbeat, isFirst, sizeBytes } of heartbeats) {
    expect([isHeartbeat, isFirst, sizeBytes]).toEqual([true, false, 0]);
  }
});

test("a heartbeat goes out each interval, and no more often", async () => {
  const user = scene.user({ limits: { heartbeatIntervalMs: 100 } });
  await user.client.connect();
  await eventually("eleven have come", async () => (await receivedOf(user)).totals.heartbeats >= 11, 15_000);
  const times = (await receivedOf(user)).chunks.filter(({ isHeartbeat }) => isHeartbeat).map(({ atMs }) => atMs);
  const spanMs = (times[10] ?? 0) - (times[0] ?? 0);
  expect(spanMs).toBeGreaterThan(10 * 100 * 0.8);
  expect(spanMs).toBeLessThan(10 * 100 * 3);
});

test("audio arrives complete, in order, and as what it was sent", async () => {
  const user = scene.user();
  await user.client.connect();
  const sent: Buffer[] = [];
  for (let nth = 1; nth <= 400; nth += 1) {
    const pcm = Buffer.alloc((nth * 37) % 1300, nth % 251);
    sent.push(pcm);
    expect(user.client.send(pcm)).toBe(true);
  }
  user.client.send(Buffer.alloc(960, 7), { trackId: 2, sampleRate: 48_000, channels: 2 });
  await eventually("it is there", async () => ((await receivedOf(user)).totals.bytesByTrack[2] ?? 0) === 960);
  const received = await receivedOf(user);
  expect(received.pcm().equals(Buffer.concat(sent))).toBe(true);
  expect(received.chunks.find(({ trackId }) => trackId === 2)).toMatchObject({ sampleRate: 48_000, channels: 2 });
  expect(user.client.stats).toMatchObject({ bytesSent: received.totals.bytes, bytesDroppedUplink: 0 });
});

test("a clip of any length is taken whole, and goes in pieces", async () => {
  const user = scene.user();
  await user.client.connect();
  const clip = Buffer.from(Array.from({ length: 700_001 }, (_, at) => (at * 31) % 256));
  expect(user.client.send(clip)).toBe(true);
  await eventually("it is there", async () => (await receivedOf(user)).totals.bytes === clip.length);
  const received = await receivedOf(user);
  expect(received.pcm().equals(clip)).toBe(true);
  expect(Math.max(...received.chunks.map(({ sizeBytes }) => sizeBytes))).toBeLessThan(33_000);
});

test("a bridge that takes nothing is given no more than the bound; the rest is refused and counted", async () => {
  const user = scene.user({ limits: { echoTimeoutMs: 20_000, uplinkQueueMaxMs: 2000 } });
  await user.client.connect();
  await scene.bridge.set({ StreamAudio: { reads: false } }, user.userId);
  const offered = await offer(user.client, 20_000_000);
  const { bytesSent, bytesDroppedUplink } = user.client.stats;
  expect(bytesSent + bytesDroppedUplink).toBe(offered);
  // The queue's 64,000, what grpc-js and HTTP/2 hold, and what the sockets of both ends do.
  expect(bytesSent).toBeLessThan(2_000_000);
  let isReady = false;
  const ready = user.client.ready().then(() => (isReady = true));
  await user.client.status();
  expect([user.client.send(Buffer.alloc(32_000)), isReady]).toEqual([false, false]);
  await scene.bridge.set({ StreamAudio: {} }, user.userId);
  await ready;
  expect(user.client.send(Buffer.alloc(3200))).toBe(true);
  await eventually("all that was taken is there", async () => {
    return (await receivedOf(user)).totals.bytes === user.client.stats.bytesSent;
  });
  expect(user.failures).toEqual([]);
});

test("who waits for room hears of the end of the stream", async () => {
  const user = scene.user({ limits: { echoTimeoutMs: 20_000, uplinkQueueMaxMs: 200 } });
  await user.client.connect();
  await scene.bridge.set({ StreamAudio: { reads: false } }, user.userId);
  await offer(user.client, 3_000_000);
  const ready = scene.failure(user.client.ready());
  const disposed = scene.user({ limits: { uplinkQueueMaxMs: 200 } });
  await user.client.disconnect();
  expect((await ready).code).toBe("not_connected");
  expect((await scene.failure(disposed.client.ready())).code).toBe("not_connected");
});

test("audio without a stream is refused and counted", () => {
  const { client } = scene.user();
  expect(client.send(Buffer.alloc(320))).toBe(false);
  expect(client.send(Buffer.alloc(0))).toBe(true);
  expect(client.stats).toMatchObject({ bytesSent: 0, bytesDroppedUplink: 320 });
});

test("a format that cannot be is refused with the field's name, and the stream goes on", async () => {
  const user = scene.user();
  await user.client.connect();
  const formats = [
    { sampleRate: 0 },
    { sampleRate: -1 },
    { sampleRate: NaN },
    { channels: 0 },
    { trackId: -1 },
    { trackId: 0.5 },
  ];
  for (const format of formats) {
    const [field = ""] = Object.keys(format);
    expect(() => user.client.send(Buffer.alloc(320), format)).toThrow(field);
  }
  expect(user.client.send(Buffer.alloc(320))).toBe(true);
  await eventually("it is there", async () => (await receivedOf(user)).totals.bytes === 320);
});

/** Offers audio until a second of trying, with pauses, has got nothing more taken. Returns the bytes offered. */
async function offer(client: BridgeClient, maxBytes: number): Promise<number> {
  let offered = 0;
  let refusals = 0;
  while (offered < maxBytes && refusals < 30) {
    refusals = client.send(Buffer.alloc(32_000, 1)) ? 0 : refusals + 1;
    offered += 32_000;
    if (refusals > 0) await new Promise((done) => setTimeout(done, 20));
  }
  return offered;
}
