// Microphone audio on its way to whoever listens: in order, to all alike, and never waiting for the slow.

import { describe, expect, test } from "vitest";
import type { BridgeClient } from "../../../src/client/bridge-client.js";
import { eventually } from "../../support/eventually.js";
import { createScene } from "./scene.js";

const scene = createScene({ kind: "new" });

/** Reads `audio()` from now on; ends with it. */
function reading(client: BridgeClient, signal?: AbortSignal) {
  const chunks: Buffer[] = [];
  const ended = (async () => {
    for await (const { pcm } of client.audio(signal ? { signal } : {})) chunks.push(Buffer.from(pcm));
  })();
  return { pcm: () => Buffer.concat(chunks), chunks, ended };
}

test("every listener and every reader gets every chunk, in order", async () => {
  const user = scene.user();
  await user.client.connect();
  const readers = [reading(user.client), reading(user.client)];
  const { bytes, chunks } = await scene.bridge.send(
    user.userId,
    Array.from({ length: 60 }, (_, at) => 2 * at + 2),
  );
  await eventually("all is read", () => readers.every(({ pcm }) => pcm().length === bytes));
  const samples = Array.from({ length: bytes / 2 }, (_, at) => user.heard().readInt16LE(2 * at));
  expect(samples).toEqual(Array.from({ length: bytes / 2 }, (_, at) => at));
  for (const reader of readers) {
    expect([reader.chunks.length, reader.pcm().equals(user.heard())]).toEqual([chunks, true]);
  }
  expect(user.client.stats).toMatchObject({ chunksReceived: chunks, bytesReceived: bytes, bytesDroppedDownlink: 0 });
  expect(user.client.stats.lastAudioAtMs).toBeGreaterThan(0);
});

test("a chunk says its format and when the bridge passed it on; an echo is no audio", async () => {
  const { client, userId } = scene.user({ limits: { heartbeatIntervalMs: 20 } });
  await client.connect();
  const heard = new Promise((done) => client.on("audio", done));
  await eventually("echoes come", async () => (await scene.bridge.received(userId)).totals.heartbeats > 3);
  expect(client.stats.chunksReceived).toBe(0);
  await scene.bridge.send(userId, [640]);
  const chunk = (await heard) as { timestampMs: number };
  expect(chunk).toMatchObject({ sampleRate: 16_000, channels: 1, pcm: expect.any(Buffer) });
  expect(Math.abs(chunk.timestampMs - Date.now())).toBeLessThan(60_000);
});

test("a reader that is slow loses the oldest, counted; the others lose nothing", async () => {
  const user = scene.user({ limits: { downlinkQueueMaxMs: 100 } });
  await user.client.connect();
  const slow = user.client.audio()[Symbol.asyncIterator]();
  const first = slow.next();
  const fast = reading(user.client);
  await scene.bridge.send(
    user.userId,
    Array.from({ length: 50 }, () => 640),
    { everyMs: 1 },
  );
  await eventually("all has come", () => user.heard().length === 50 * 640);
  expect((await first).value?.pcm.readInt16LE(0)).toBe(0);
  // 100 ms are five chunks of 20 ms: the last five.
  expect((await slow.next()).value?.pcm.readInt16LE(0)).toBe(45 * 320);
  expect(user.client.stats.bytesDroppedDownlink).toBe(44 * 640);
  expect(fast.pcm().length).toBe(50 * 640);
  await slow.return?.();
});

test("a listener that throws disturbs nobody, and is logged", async () => {
  const user = scene.user();
  user.client.on("audio", () => {
    throw new Error("the listener is broken");
  });
  let after = 0;
  user.client.on("audio", () => (after += 1));
  await user.client.connect();
  const reader = reading(user.client);
  await scene.bridge.send(user.userId, [640, 640]);
  await eventually("all is read", () => reader.chunks.length === 2);
  expect([after, user.heard().length, user.client.state]).toEqual([2, 1280, "streaming"]);
  expect(scene.lines.some(({ level, message }) => level === "error" && message === "A listener failed")).toBe(true);
});

test("a listener that is taken off hears nothing more", async () => {
  const user = scene.user();
  let count = 0;
  const off = user.client.on("audio", () => (count += 1));
  await user.client.connect();
  await scene.bridge.send(user.userId, [640]);
  await eventually("it came", () => count === 1);
  off();
  await scene.bridge.send(user.userId, [640]);
  await eventually("another came", () => user.heard().length === 1280);
  expect(count).toBe(1);
});

test("audio goes on across a reconnection, also for a reader that was there before the first", async () => {
  const user = scene.user();
  const reader = reading(user.client);
  await user.client.connect();
  for (let round = 1; round <= 3; round += 1) {
    await scene.bridge.send(user.userId, [640]);
    await eventually("it is read", () => reader.chunks.length === round);
    await scene.bridge.endStream(user.userId, { code: "INTERNAL" });
    await eventually("it is noticed", () => user.failures.length === round);
    await eventually("it streams again", () => user.client.state === "streaming" && user.client.stats.joins > round);
  }
  expect(user.client.stats.chunksReceived).toBe(3);
});

describe("reading ends", () => {
  test("with the client, after what was queued", async () => {
    const user = scene.user();
    await user.client.connect();
    const reader = reading(user.client);
    await scene.bridge.send(user.userId, [640]);
    await eventually("it is read", () => reader.chunks.length === 1);
    await user.client.dispose();
    await reader.ended;
  });

  test("with its signal, and the client goes on", async () => {
    const { client } = scene.user();
    await client.connect();
    const controller = new AbortController();
    const reader = reading(client, controller.signal);
    controller.abort();
    await reader.ended;
    expect(client.state).toBe("streaming");
  });

  test("not with a disconnection", async () => {
    const user = scene.user();
    await user.client.connect();
    const reader = reading(user.client);
    await user.client.disconnect();
    await user.client.connect();
    await scene.bridge.send(user.userId, [640]);
    await eventually("it is read", () => reader.chunks.length === 1);
  });
});
