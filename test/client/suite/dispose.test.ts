// Giving up: `dispose` for good, `disconnect` for now.

import { describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.js";
import { createScene } from "./scene.js";
import type { User } from "./scene.js";

const scene = createScene({ kind: "new" });

const openJoins = async () => (await scene.bridge.counts()).openCalls.JoinRoom;
const joinsOf = ({ userId }: User) => scene.bridge.calls("JoinRoom", userId);
const streamsOf = ({ userId }: User) => scene.bridge.calls("StreamAudio", userId);

test("dispose ends the stream, leaves the room, and lets the connection go", async () => {
  const { client, userId, channels } = scene.user();
  await client.connect();
  await client.dispose();
  expect(client.state).toBe("closed");
  const [leave, ...more] = await scene.bridge.calls("LeaveRoom", userId);
  expect([leave?.request["reason"], more.length]).toEqual(["User disconnected", 0]);
  await eventually("the connection is closed", () => channels.channelCount === 0);
});

test("dispose during a join rejects with disposed, cancels the JoinRoom, and opens nothing afterwards", async () => {
  const user = scene.user({ limits: { joinTimeoutMs: 60_000 } });
  await scene.bridge.set({ JoinRoom: { hangs: true } }, user.userId);
  const connected = scene.failure(user.client.connect());
  await eventually("the join is under way", async () => (await openJoins()) === 1);
  await user.client.dispose();
  expect((await connected).code).toBe("disposed");
  const [join] = await joinsOf(user);
  expect(join?.outcome).toBe("cancelled");
  expect(await streamsOf(user)).toHaveLength(0);
  expect((await scene.bridge.counts()).sessions).toBe(0);
});

test("dispose right after connect asks nobody for a token", async () => {
  let asked = 0;
  const join = () => ({ url: "", roomName: "room", token: `token ${(asked += 1)}` });
  const { client } = scene.user({ join });
  const connected = scene.failure(client.connect());
  await client.dispose();
  expect((await connected).code).toBe("disposed");
  expect(asked).toBe(0);
});

describe("dispose at any moment of a join leaves nothing behind", () => {
  for (let turns = 0; turns <= 60; turns += 4) {
    test(`after ${turns} turns of the event loop`, async () => {
      const user = scene.user();
      const connected = user.client.connect().then(
        () => "streaming",
        (error: unknown) => (error as { code?: string }).code,
      );
      for (let turn = 0; turn < turns; turn += 1) await new Promise((done) => setImmediate(done));
      await user.client.dispose();
      expect(["disposed", "streaming"]).toContain(await connected);
      await eventually("no session is left", async () => (await scene.bridge.counts()).sessions === 0);
    });
  }
});

test("dispose while the connection is being opened leaves no connection behind", async () => {
  await scene.bridge.freeze();
  const { client, channels } = scene.user({ limits: { callTimeoutMs: 200 } });
  const connected = scene.failure(client.connect());
  await eventually("a connection is being opened", () => channels.channelCount === 1);
  await client.dispose();
  expect((await connected).code).toBe("disposed");
  await eventually("the connection is given up", () => channels.channelCount === 0);
});

test("a join that was given up before it was sent makes nobody leave later", async () => {
  await scene.bridge.freeze();
  const user = scene.user({ limits: { callTimeoutMs: 200 } });
  const connected = scene.failure(user.client.connect());
  await eventually("a connection is being opened", () => user.channels.channelCount === 1);
  await user.client.disconnect();
  expect((await connected).code).toBe("disconnected");
  await eventually("the connection is given up", () => user.channels.channelCount === 0);
  scene.bridge.thaw();
  const successor = scene.user({ userId: user.userId });
  await successor.client.connect();
  await user.client.dispose();
  await successor.client.status();
  expect(await scene.bridge.calls("LeaveRoom", user.userId)).toHaveLength(0);
});

test("dispose while the join callback is asked ignores what it still says", async () => {
  const slow = withResolver<string>();
  let isAborted: boolean | undefined;
  const user = scene.user({
    join: async ({ signal }) => {
      const answer = { url: "", roomName: "room", token: await slow.promise };
      isAborted = signal.aborted;
      return answer;
    },
  });
  const connected = scene.failure(user.client.connect());
  await eventually("it is asked", () => user.client.state === "joining");
  await new Promise((done) => setImmediate(done));
  await user.client.dispose();
  slow.resolve(scene.token());
  expect((await connected).code).toBe("disposed");
  await eventually("the callback has ended", () => isAborted !== undefined);
  expect([isAborted, (await joinsOf(user)).length]).toEqual([true, 0]);
});

test("dispose wins over whatever else is asked for, and may be called again", async () => {
  const { client } = scene.user();
  const asked = [client.connect(), client.rejoin({ isRestart: true }), client.connect({ retry: false })];
  const failures = asked.map((promise) => scene.failure(promise));
  await Promise.all([client.dispose(), client.disconnect(), client.dispose()]);
  await client.dispose();
  expect((await Promise.all(failures)).map(({ code }) => code)).toEqual(["disposed", "disposed", "disposed"]);
  expect(client.state).toBe("closed");
});

test("a disposed client refuses whatever it is asked", async () => {
  const { client } = scene.user();
  await client.dispose();
  const playing = async () => {
    for await (const _ of client.play({ url: "http://x/y.mp3" })) continue;
  };
  const asked = [client.connect(), client.rejoin(), client.stop(), client.status(), client.ready(), playing()];
  const errors = await Promise.all(asked.map((promise) => scene.failure(promise)));
  expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(["disposed"]));
  expect(client.send(Buffer.alloc(2))).toBe(false);
  for await (const _ of client.audio()) throw new Error("audio of a disposed client");
  client.on("state", () => {})();
});

test("dispose rejects the calls that are under way, at once", async () => {
  const { client, userId } = scene.user({ limits: { callTimeoutMs: 4000 } });
  await client.connect();
  await scene.bridge.set({ StopAudio: { hangs: true }, GetStatus: { hangs: true } }, userId);
  await scene.bridge.set({ PlayAudio: { script: [{ hangs: true }] } }, userId);
  const playing = async () => {
    for await (const _ of client.play({ url: "http://x/y.mp3" })) continue;
  };
  const pending = [client.stop(), client.status(), playing()].map((promise) => scene.failure(promise));
  await eventually("the calls are under way", async () => {
    const { openCalls } = await scene.bridge.counts();
    return openCalls.StopAudio + openCalls.GetStatus + openCalls.PlayAudio === 3;
  });
  const startMs = performance.now();
  await client.dispose();
  expect((await Promise.all(pending)).map(({ code }) => code)).toEqual(["disposed", "disposed", "disposed"]);
  expect(performance.now() - startMs).toBeLessThan(3000);
});

describe("dispose from within a listener", () => {
  for (const event of ["state", "joined", "streaming", "audio", "failed", "ended"] as const) {
    test(`of ${event} leaves the room before it resolves, and nothing is told afterwards`, async () => {
      const user = scene.user();
      let disposed: Promise<void> | undefined;
      let toldAfter = 0;
      user.client.on(event, () => {
        if (disposed) toldAfter += 1;
        else disposed = user.client.dispose();
      });
      await reach(user, event);
      await eventually("it was told", () => disposed !== undefined);
      await disposed;
      expect([user.client.state, toldAfter]).toEqual(["closed", 0]);
      expect((await scene.bridge.counts()).sessions).toBe(0);
    });
  }

  async function reach({ client, userId }: User, event: string): Promise<void> {
    if (event === "failed") await scene.bridge.once({ JoinRoom: { failure: "no" } }, userId);
    await client.connect().catch(() => {});
    if (event === "audio") await scene.bridge.send(userId, [640, 640]);
    if (event === "ended") await scene.bridge.endStream(userId, { reason: "replaced" });
  }
});

test("disconnect leaves the room; the client can connect again", async () => {
  const user = scene.user();
  await user.client.connect();
  await user.client.disconnect("the glasses are off");
  expect(user.client.state).toBe("idle");
  const [leave] = await scene.bridge.calls("LeaveRoom", user.userId);
  expect(leave?.request["reason"]).toBe("the glasses are off");
  await eventually("its connection is closed", () => user.channels.channelCount === 0);
  await user.client.connect();
  expect(user.states).toEqual(["joining", "streaming", "idle", "joining", "streaming"]);
});

test("the bridge can be asked for its status when it has ended the stream", async () => {
  const { client, userId } = scene.user();
  await client.connect();
  const asked = new Promise((done) => client.on("ended", () => done(client.status())));
  await scene.bridge.endStream(userId, { reason: "duplicate_identity" });
  expect(await asked).toMatchObject({ connected: false, lastDisconnectReason: "duplicate_identity" });
});

test("disconnect of a client that never joined tells the bridge nothing", async () => {
  const user = scene.user();
  await user.client.disconnect();
  await user.client.dispose();
  expect(await scene.bridge.calls(undefined, user.userId)).toHaveLength(0);
});

function withResolver<Value>() {
  let resolve: ((value: Value) => void) | undefined;
  const promise = new Promise<Value>((done) => (resolve = done));
  return { promise, resolve: (value: Value) => resolve?.(value) };
}
