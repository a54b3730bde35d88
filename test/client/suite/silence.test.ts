// A bridge that is there and says nothing is found by its missing echoes, and a process of our own that stood still is not
// taken for one.

import { describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.js";
import { createScene } from "./scene.js";
import type { User } from "./scene.js";

const scene = createScene({ kind: "new" });

const LIMITS = { heartbeatIntervalMs: 100, echoTimeoutMs: 800 };
/** For a slow machine, on top of the client's own limit. */
const ALLOWANCE_MS = 3000;

const heartbeats = async ({ userId }: User) => (await scene.bridge.received(userId)).totals.heartbeats;

async function beating(): Promise<User> {
  const user = scene.user({ limits: LIMITS });
  await user.client.connect();
  await eventually("heartbeats are sent", async () => (await heartbeats(user)) >= 2);
  return user;
}

async function foundSilent(user: User, sinceMs: number): Promise<void> {
  await eventually("the silence is noticed", () => user.failures.length > 0, LIMITS.echoTimeoutMs + ALLOWANCE_MS);
  expect(user.failures[0]?.error.code).toBe("stream_silent");
  // Echoes that were on their way may have come.
  expect(performance.now() - sinceMs).toBeGreaterThan(LIMITS.echoTimeoutMs - 2 * LIMITS.heartbeatIntervalMs - 100);
}

test("a bridge that stands still is left for lost, and come back to when it goes on", async () => {
  const user = await beating();
  await scene.bridge.freeze();
  await foundSilent(user, performance.now());
  scene.bridge.thaw();
  await eventually("it streams again", () => user.client.state === "streaming" && user.client.stats.joins >= 2);
});

describe("a stream without echoes is given up", () => {
  test("when nothing comes", async () => {
    const user = await beating();
    await scene.bridge.set({ StreamAudio: { echoes: false } }, user.userId);
    await foundSilent(user, performance.now());
  });

  test("even while audio comes", async () => {
    const user = await beating();
    await scene.bridge.set({ StreamAudio: { echoes: false } }, user.userId);
    const sinceMs = performance.now();
    const sent = scene.bridge.send(
      user.userId,
      Array.from({ length: 300 }, () => 640),
      { everyMs: 20 },
    );
    await foundSilent(user, sinceMs);
    expect(user.heard().length).toBeGreaterThan(0);
    await scene.bridge.set({ StreamAudio: {} }, user.userId);
    expect((await sent).isCutShort).toBe(true);
  });
});

test("what takes the stream down when it is silent takes the connection with it", async () => {
  const user = await beating();
  const [stream] = await scene.bridge.calls("StreamAudio", user.userId);
  await scene.bridge.set({ StreamAudio: { echoes: false } }, user.userId);
  await eventually("the silence is noticed", () => user.failures.length > 0);
  await scene.bridge.set({ StreamAudio: {} }, user.userId);
  await eventually("it streams again", () => user.client.state === "streaming");
  const next = (await scene.bridge.calls("StreamAudio", user.userId)).at(-1);
  expect(next?.connection).not.toBe(stream?.connection);
});

describe("a rejoin while the stream is up", () => {
  const connections = async ({ userId }: User) =>
    (await scene.bridge.calls("JoinRoom", userId)).map(({ connection }) => connection);
  // The echoes' own limit is far away: the application is quicker.
  const rejoining = async () => {
    const user = scene.user({ limits: { heartbeatIntervalMs: 200, echoTimeoutMs: 60_000 } });
    await user.client.connect();
    // Now the bridge has named itself: this is the connection that is kept alive.
    await user.client.rejoin();
    return user;
  };

  test("takes another connection when nothing at all has come on this one, which may be dead", async () => {
    const user = await rejoining();
    await scene.bridge.set({ StreamAudio: { echoes: false } }, user.userId);
    await eventually("heartbeats are unanswered", async () => (await heartbeats(user)) >= 4);
    await scene.bridge.set({ StreamAudio: {} }, user.userId);
    await user.client.rejoin();
    const [, before, after] = await connections(user);
    expect(after).not.toBe(before);
  });

  test("stays on it when something has", async () => {
    const user = await rejoining();
    await eventually("heartbeats are echoed", async () => (await heartbeats(user)) >= 4);
    await scene.bridge.send(user.userId, [640]);
    await eventually("audio is heard", () => user.heard().length === 640);
    await user.client.rejoin();
    const [, before, after] = await connections(user);
    expect(after).toBe(before);
  });
});

test("a stream that is echoed stays up for many times the limit", async () => {
  const user = scene.user({ limits: { heartbeatIntervalMs: 40, echoTimeoutMs: 400 } });
  await user.client.connect();
  await eventually("it is old", async () => (await heartbeats(user)) >= 40, 15_000);
  expect(user.failures).toEqual([]);
});

describe("a process of our own that stood still is no silence of the bridge", () => {
  for (const blockedMs of [900, 1200, 1700]) {
    test(`for ${blockedMs} ms, with a limit of ${LIMITS.echoTimeoutMs} ms`, async () => {
      const user = await beating();
      const before = await heartbeats(user);
      const startMs = performance.now();
      while (performance.now() - startMs < blockedMs);
      await eventually("heartbeats go on", async () => (await heartbeats(user)) >= before + 12);
      expect([user.failures, user.client.state]).toEqual([[], "streaming"]);
    });
  }
});
