// A bridge from before this project names nothing, echoes nothing, says of no stream why it ended, and takes pings for an
// attack. The client lives with it.

import { describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.js";
import { createScene } from "./scene.js";
import type { User } from "./scene.js";

const scene = createScene({ kind: "old" });

const joinsOf = async ({ userId }: User) => (await scene.bridge.calls("JoinRoom", userId)).length;
const isBack = (user: User, joins: number) => async () =>
  (await joinsOf(user)) === joins && user.client.state === "streaming";

test("its stream counts as accepted when it has not failed for a while", async () => {
  const { client } = scene.user({ limits: { assumedAcceptedAfterMs: 300 } });
  const startMs = performance.now();
  const info = await client.connect();
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(290);
  expect([info.bridgeVersion, info.session, client.state]).toEqual([undefined, undefined, "streaming"]);
});

test("or with its first audio, which is heard", async () => {
  const user = scene.user({ limits: { assumedAcceptedAfterMs: 20_000, acceptTimeoutMs: 100 } });
  const connected = user.client.connect();
  await eventually("the stream is open", async () => (await scene.bridge.counts()).streams === 1);
  await scene.bridge.send(user.userId, [640]);
  await connected;
  expect(user.heard()).toHaveLength(640);
});

test("a stream that fails before that was never accepted", async () => {
  const user = scene.user({ limits: { assumedAcceptedAfterMs: 4000 } });
  await scene.bridge.once({ StreamAudio: { refusal: { code: "NOT_FOUND" } } }, user.userId);
  expect((await scene.failure(user.client.connect({ retry: false }))).code).toBe("not_found");
  expect(user.states).toEqual(["joining", "idle"]);
});

test("no echo is asked for or waited for; heartbeats are sent all the same", async () => {
  const user = scene.user({ limits: { heartbeatIntervalMs: 50, echoTimeoutMs: 200 } });
  await user.client.connect();
  await eventually("it is old", async () => (await scene.bridge.received(user.userId)).totals.heartbeats >= 12);
  expect([user.failures, user.client.state]).toEqual([[], "streaming"]);
  const [stream] = await scene.bridge.calls("StreamAudio", user.userId);
  expect(stream?.metadata["bridge-echo"]).toBe(undefined);
});

test("rejoin while streaming leaves first, since an old bridge may not replace sessions", async () => {
  const user = scene.user();
  await user.client.connect();
  await user.client.rejoin();
  const rpcs = (await scene.bridge.calls(undefined, user.userId)).map(({ rpc }) => rpc);
  expect(rpcs).toEqual(["JoinRoom", "StreamAudio", "LeaveRoom", "JoinRoom", "StreamAudio"]);
});

test("`session already exists` is answered by a leave and another join", async () => {
  const user = scene.user();
  await scene.bridge.once({ JoinRoom: { failure: "session already exists for this user" } }, user.userId);
  await user.client.connect({ retry: false });
  const rpcs = (await scene.bridge.calls(undefined, user.userId)).map(({ rpc }) => rpc);
  expect(rpcs).toEqual(["JoinRoom", "LeaveRoom", "JoinRoom", "StreamAudio"]);
});

test("a session that even a leave does not end is a failure as any other", async () => {
  const user = scene.user();
  await scene.bridge.set({ JoinRoom: { failure: "session already exists for this user" } }, user.userId);
  const error = await scene.failure(user.client.connect({ retry: false }));
  expect([error.code, error.message]).toEqual(["join_failed", "session already exists for this user"]);
});

describe("an end in order, without a reason", () => {
  test("while its GetStatus says connected is a takeover: the client stays out", async () => {
    const user = scene.user();
    await user.client.connect();
    await scene.bridge.endStream(user.userId, { keepsSession: true });
    await eventually("it is told", () => user.ends.length > 0);
    expect([user.ends, user.client.state, await joinsOf(user)]).toEqual([["replaced"], "idle", 1]);
  });

  test("and the successor is not made to leave by what the client does then", async () => {
    const user = scene.user();
    await user.client.connect();
    const successor = scene.user({ userId: user.userId });
    await successor.client.connect();
    await eventually("it is told", () => user.ends.length > 0);
    await user.client.disconnect();
    await user.client.dispose();
    await successor.client.status();
    expect(await scene.bridge.calls("LeaveRoom", user.userId)).toHaveLength(0);
    expect(successor.client.state).toBe("streaming");
  });

  test("not even by what it does while GetStatus is asked", async () => {
    const user = scene.user();
    await user.client.connect();
    await scene.bridge.set({ GetStatus: { hangs: true } }, user.userId);
    await scene.bridge.endStream(user.userId, { keepsSession: true });
    const asked = async () => (await scene.bridge.counts()).openCalls.GetStatus === 1;
    await eventually("it asks", asked);
    await user.client.dispose();
    expect(await scene.bridge.calls("LeaveRoom", user.userId)).toHaveLength(0);
    expect(user.ends).toEqual([]);
  });

  test("while it says not connected is a failure: the client joins again", async () => {
    const user = scene.user();
    await user.client.connect();
    await scene.bridge.endStream(user.userId, { keepsSession: false });
    await eventually("it streams again", isBack(user, 2));
    expect(user.ends).toEqual([]);
  });

  test("when it has no GetStatus, or does not answer, is a failure as well", async () => {
    const user = scene.user({ limits: { callTimeoutMs: 200 } });
    await user.client.connect();
    await scene.bridge.once({ GetStatus: { error: { code: "UNIMPLEMENTED" } } }, user.userId);
    await scene.bridge.endStream(user.userId, { keepsSession: true });
    await eventually("it streams again", isBack(user, 2));
    await scene.bridge.once({ GetStatus: { hangs: true } }, user.userId);
    await scene.bridge.endStream(user.userId, { keepsSession: true });
    await eventually("it streams once more", isBack(user, 3));
    expect(user.ends).toEqual([]);
  });
});

test("a lost connection is come back to", async () => {
  const user = scene.user();
  await user.client.connect();
  await scene.bridge.cut(user.userId);
  await eventually("it streams again", isBack(user, 2));
});

test("GetStatus that does not exist is unimplemented", async () => {
  const user = scene.user();
  await scene.bridge.set({ GetStatus: { error: { code: "UNIMPLEMENTED" } } }, user.userId);
  expect((await scene.failure(user.client.status())).code).toBe("unimplemented");
});

test("an upgrade at the same address is noticed by the join, and its echoes are wanted from then on", async () => {
  const user = scene.user({ limits: { heartbeatIntervalMs: 50 } });
  await user.client.connect();
  await scene.bridge.restart({ kind: "new" });
  await eventually("it streams again", () => user.client.state === "streaming" && user.client.stats.joins === 2);
  expect(user.client.info?.bridgeVersion).toBe("9.9.9");
  const stream = (await scene.bridge.calls("StreamAudio", user.userId)).at(-1);
  expect(stream?.metadata["bridge-echo"]).toBe("1");
  expect(user.channels.isNamed(user.client.address)).toBe(true);
  await scene.bridge.restart({ kind: "old" });
  await eventually("it streams once more", () => user.client.state === "streaming" && user.client.stats.joins === 3);
  expect(user.client.info?.bridgeVersion).toBe(undefined);
  expect(user.channels.isNamed(user.client.address)).toBe(false);
});
