// A lost stream is come back to: once at a time, with a fresh token, later and later, and for as long as it takes.

import { describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.js";
import { createScene } from "./scene.js";
import type { User } from "./scene.js";

const scene = createScene({ kind: "new" });

const joinsOf = ({ userId }: User) => scene.bridge.calls("JoinRoom", userId);
const isStreaming =
  ({ client }: User) =>
  () =>
    client.state === "streaming";
/** Longer than any test. */
const NEVER = { backoffBaseMs: 60_000, backoffMaxMs: 60_000 };

test("a bridge that is away for longer than any single wait is come back to", async () => {
  const user = scene.user();
  await user.client.connect();
  await scene.bridge.kill();
  await eventually("it has been tried many times", () => user.failures.length >= 10);
  await scene.bridge.restart();
  await eventually("it streams again", isStreaming(user));
});

test("each JoinRoom carries a token of its own", async () => {
  const user = scene.user();
  for (let nth = 0; nth < 3; nth += 1) await scene.bridge.once({ JoinRoom: { failure: "no" } }, user.userId);
  await user.client.connect();
  await scene.bridge.cut(user.userId);
  await eventually("it streams again", async () => (await joinsOf(user)).length === 5 && isStreaming(user)());
  const tokens = (await joinsOf(user)).map(({ request }) => request["token"]);
  expect(new Set(tokens).size).toBe(5);
});

test("a connection that breaks is one failure, followed by one join", async () => {
  const user = scene.user();
  await user.client.connect();
  await scene.bridge.cut(user.userId);
  await eventually("it streams again", async () => (await joinsOf(user)).length === 2 && isStreaming(user)());
  expect(user.failures.map(({ attempt }) => attempt)).toEqual([1]);
  expect((await scene.bridge.counts()).streamsByUser[user.userId]).toBe(1);
});

test("there are never two joins of a user at once, whatever is asked and whatever breaks", async () => {
  const user = scene.user();
  await scene.bridge.set({ JoinRoom: { delayMs: 10 } }, user.userId);
  await user.client.connect();
  for (let nth = 0; nth < 10; nth += 1) {
    const asked = [user.client.rejoin(), user.client.connect(), user.client.rejoin({ isRestart: nth % 2 === 0 })];
    if (nth % 3 === 0) await scene.bridge.cut(user.userId);
    await Promise.all(asked);
  }
  await eventually("it streams", isStreaming(user));
  expect((await scene.bridge.counts()).joinsAtOnceMax[user.userId]).toBe(1);
  await eventually("one stream is left", async () => (await scene.bridge.counts()).streamsByUser[user.userId] === 1);
});

test("a stream of before that ends late changes nothing for the one that took its place", async () => {
  const user = scene.user();
  await user.client.connect();
  await scene.bridge.set({ JoinRoom: { endsOldStream: "after-reply" }, LeaveRoom: { hangs: true } }, user.userId);
  for (let nth = 0; nth < 3; nth += 1) await user.client.rejoin();
  await scene.bridge.set({ LeaveRoom: {} }, user.userId);
  await user.client.status();
  expect([user.client.state, user.failures, user.ends]).toEqual(["streaming", [], []]);
});

test("disconnect while it waits for the next try ends the trying", async () => {
  const user = scene.user({ limits: NEVER });
  await scene.bridge.once({ JoinRoom: { failure: "no" } }, user.userId);
  const connected = scene.failure(user.client.connect());
  await eventually("it waits", () => user.client.state === "waiting");
  await user.client.disconnect();
  expect([(await connected).code, user.client.state]).toEqual(["disconnected", "idle"]);
  expect(scene.clock.pending).toBe(0);
});

test("rejoin while it waits for the next try joins at once", async () => {
  const user = scene.user({ limits: NEVER, random: () => 0.999 });
  await scene.bridge.once({ JoinRoom: { failure: "no" } }, user.userId);
  const connected = user.client.connect();
  await eventually("it waits", () => user.client.state === "waiting");
  expect(await user.client.rejoin()).toBe(await connected);
});

test("rejoin while streaming joins with a fresh token; nobody leaves, since a leave that comes late hits the new session", async () => {
  const user = scene.user();
  await user.client.connect();
  const before = await user.client.connect();
  const after = await user.client.rejoin();
  expect(after.session).not.toBe(before.session);
  const calls = await scene.bridge.calls(undefined, user.userId);
  expect(calls.map(({ rpc }) => rpc)).toEqual(["JoinRoom", "StreamAudio", "JoinRoom", "StreamAudio"]);
  expect(user.states).toEqual(["joining", "streaming", "joining", "streaming"]);
});

test("twenty rejoins during a join are that one join", async () => {
  const user = scene.user();
  await scene.bridge.set({ StreamAudio: { headers: "with-first-chunk" } }, user.userId);
  const asked = [user.client.connect()];
  for (let nth = 0; nth < 20; nth += 1) {
    asked.push(user.client.rejoin());
    await new Promise((done) => setTimeout(done, 10));
  }
  await eventually("the stream is open", async () => (await scene.bridge.counts()).streams === 1);
  await scene.bridge.send(user.userId, [640]);
  await Promise.all(asked);
  expect(await joinsOf(user)).toHaveLength(1);
});

test("a restart gives up the join that is under way, and those who waited for it get the new one", async () => {
  const user = scene.user();
  await scene.bridge.once({ JoinRoom: { hangs: true } }, user.userId);
  const first = user.client.connect();
  await eventually("the join is under way", async () => (await joinsOf(user)).length === 1);
  const second = await user.client.rejoin({ isRestart: true });
  expect(await first).toBe(second);
  expect((await joinsOf(user)).map(({ outcome }) => outcome)).toEqual(["cancelled", "answered"]);
});

describe("the wait between two tries", () => {
  const waits = async (random: number, limits: object, count: number) => {
    const user = scene.user({ address: "127.0.0.1:1", random: () => random, limits });
    const connected = scene.failure(user.client.connect());
    await eventually("it has been tried", () => user.failures.length >= count);
    await user.client.disconnect();
    await connected;
    return user.failures.slice(0, count).map(({ retryInMs }) => retryInMs);
  };

  test("doubles its bound up to the cap", async () => {
    const bounds = [2, 4, 8, 16, 20, 20];
    expect(await waits(0.5, { backoffBaseMs: 4, backoffMaxMs: 40 }, 6)).toEqual(bounds);
  });

  test("is drawn from nothing up to the whole bound", async () => {
    expect(await waits(0, { backoffBaseMs: 1000 }, 3)).toEqual([0, 0, 0]);
    expect(await waits(0.999, { backoffBaseMs: 10, backoffMaxMs: 40 }, 4)).toEqual([9.99, 19.98, 39.96, 39.96]);
  });
});

describe("a stream that comes up and dies", () => {
  const dies = async (limits: object) => {
    const user = scene.user({ limits: { backoffBaseMs: 4, backoffMaxMs: 64, ...limits } });
    await user.client.connect();
    for (let nth = 1; nth <= 4; nth += 1) {
      await eventually("it streams", async () => (await joinsOf(user)).length === nth && isStreaming(user)());
      await new Promise((done) => setTimeout(done, 30));
      await scene.bridge.endStream(user.userId, { code: "INTERNAL" });
      await eventually("it is noticed", () => user.failures.length === nth);
    }
    return user.failures.map(({ attempt }) => attempt);
  };

  test("at once is waited for ever longer", async () => {
    expect(await dies({})).toEqual([1, 2, 3, 4]);
  });

  test("after it was stable is waited for as if it were the first time", async () => {
    expect(await dies({ stableAfterMs: 1 })).toEqual([1, 1, 1, 1]);
  });
});

describe("a connection that breaks while the bridge is there", () => {
  const limits = { ...NEVER, readySpreadMs: 400, stableAfterMs: 1 };
  const rejoined = (user: User, joins: number) => async () =>
    (await joinsOf(user)).length === joins && isStreaming(user)();

  test("is replaced at once, however long the wait that was drawn", async () => {
    const user = scene.user({ limits, random: () => 0.999 });
    await user.client.connect();
    for (let joins = 2; joins <= 4; joins += 1) {
      await new Promise((done) => setTimeout(done, 30));
      await scene.bridge.cut(user.userId);
      await eventually("it streams again", rejoined(user, joins));
    }
    expect(user.failures.map(({ attempt }) => attempt)).toEqual([1, 1, 1]);
  });

  test("as soon as it is there is waited for: that may be its way of saying no", async () => {
    const user = scene.user({ limits: { ...limits, stableAfterMs: 60_000 }, random: () => 0.999 });
    await user.client.connect();
    await scene.bridge.cut(user.userId);
    await eventually("it streams again", rejoined(user, 2));
    await scene.bridge.cut(user.userId);
    await eventually("it waits", () => user.client.state === "waiting");
    // Longer than the channel needs to be back, and the spread.
    await new Promise((done) => setTimeout(done, 1000));
    expect([user.client.state, (await joinsOf(user)).length]).toEqual(["waiting", 2]);
  });
});

test("a bridge that is back ends a long wait", async () => {
  const limits = { backoffBaseMs: 20_000, backoffMaxMs: 20_000, readySpreadMs: 400 };
  const user = scene.user({ limits, random: () => 0.999 });
  await user.client.connect();
  await scene.bridge.kill();
  await eventually("it waits", () => user.client.state === "waiting");
  await scene.bridge.restart();
  const restartedAtMs = performance.now();
  await eventually("it streams again", isStreaming(user), 15_000);
  const tookMs = performance.now() - restartedAtMs;
  const control = scene.user();
  const controlStartMs = performance.now();
  await control.client.connect();
  // A second: the channel's own backoff, until it is noticed, and the spread. What the machine adds, the control has too.
  expect(tookMs).toBeLessThan(1000 + 400 + 5 * (performance.now() - controlStartMs));
});

test("fifty clients of a bridge that comes back join one after another", async () => {
  const channels = scene.pool({ joinsPerSecondMax: 100 });
  // All would be back in the same instant.
  const limits = { backoffBaseMs: 4000, backoffMaxMs: 4000 };
  const users = Array.from({ length: 50 }, () => scene.user({ channels, limits, random: () => 0.5 }));
  await Promise.all(users.map(({ client }) => client.connect()));
  await scene.bridge.restart({ downMs: 300 });
  const isBack = ({ client }: User) => client.state === "streaming" && client.stats.joins === 2;
  await eventually("all stream again", () => users.every(isBack), 15_000);
  const joins = await Promise.all(users.map(async (user) => (await joinsOf(user)).at(-1)?.atMs ?? 0));
  const [first = 0, ...later] = joins.toSorted((a, b) => a - b);
  expect((later.at(-1) ?? 0) - first).toBeGreaterThan(49 * 10 * 0.8);
});
