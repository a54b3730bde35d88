// Connections are shared by the users of a cloud, opened as they fill and closed as they empty.

import { expect, test } from "vitest";
import { eventually } from "../../support/eventually.js";
import { createScene } from "./scene.js";

const scene = createScene({ kind: "new" });

test("sixty users, twenty-five to a connection, are three connections, and none when they have gone", async () => {
  const channels = scene.pool({ sessionsPerChannelMax: 25 });
  const users = Array.from({ length: 60 }, () => scene.user({ channels }));
  await Promise.all(users.map(({ client }) => client.connect()));
  await eventually("three are left", async () => (await scene.bridge.counts()).connections === 3);
  expect(channels.channelCount).toBe(3);
  expect((await scene.bridge.counts()).streams).toBe(60);
  await Promise.all(users.slice(1).map(({ client }) => client.dispose()));
  await eventually("the last one's is left", async () => (await scene.bridge.counts()).connections === 1);
  expect(channels.channelCount).toBe(1);
  await users[0]?.client.dispose();
  await eventually("none is left", async () => (await scene.bridge.counts()).connections === 0);
  expect(channels.channelCount).toBe(0);
});

test("reconnecting users do not multiply connections", async () => {
  const channels = scene.pool({ sessionsPerChannelMax: 5 });
  const users = Array.from({ length: 10 }, () => scene.user({ channels }));
  await Promise.all(users.map(({ client }) => client.connect()));
  for (let round = 1; round <= 5; round += 1) {
    await scene.bridge.cut();
    const isBack = () =>
      users.every(({ client, failures }) => client.state === "streaming" && failures.length >= round);
    await eventually("all stream again", isBack);
  }
  await eventually("two are left", async () => (await scene.bridge.counts()).connections === 2);
  expect(channels.channelCount).toBe(2);
});

test("a connection that is given up in the moment it is begun does not come about behind everybody's back", async () => {
  const moments: Readonly<Record<string, () => Promise<unknown>>> = {
    "at once": () => Promise.resolve(),
    "a tick later": () => new Promise<void>((done) => process.nextTick(done)),
    "a turn later": () => new Promise((done) => setImmediate(done)),
  };
  for (const wait of Object.values(moments)) {
    const lease = scene.pool().lease(scene.bridge.address, { isKeptAlive: true });
    const controller = new AbortController();
    const opened = lease.opened(1000, controller.signal);
    await wait();
    controller.abort();
    lease.release();
    expect(await opened).toBe("late");
  }
  // Whatever was begun before this is there when this is.
  const { client } = scene.user();
  await client.connect();
  await client.status();
  await eventually(
    "only the client's connection is there",
    async () => (await scene.bridge.counts()).connections === 1,
  );
});

test("a call without a session borrows a connection, and gives it back", async () => {
  const { client, channels } = scene.user();
  expect((await client.status()).connected).toBe(false);
  await eventually("it is given back", () => channels.channelCount === 0);
});

test("calls beside the session go on its connection", async () => {
  const { client, userId, channels } = scene.user();
  await client.connect();
  await Promise.all(Array.from({ length: 20 }, () => client.status()));
  expect(channels.channelCount).toBe(1);
  const stream = (await scene.bridge.calls("StreamAudio", userId)).at(-1);
  const calls = await scene.bridge.calls("GetStatus", userId);
  expect(new Set(calls.map(({ connection }) => connection))).toEqual(new Set([stream?.connection]));
});

test("every call carries the user's routing key, which is always the same and not the user's id", async () => {
  const { client, userId } = scene.user({ userId: "dörte@example.org" });
  await client.connect();
  for await (const _ of client.play({ url: "http://x/y.mp3" })) continue;
  await client.stop();
  await client.status();
  await client.disconnect();
  const calls = await scene.bridge.calls(undefined, userId);
  const keys = new Set(calls.map(({ metadata }) => metadata["bridge-routing-key"]));
  expect(keys.size).toBe(1);
  expect([...keys][0]).toMatch(/^[0-9a-f]{16}$/);
  expect(new Set(calls.map(({ rpc }) => rpc)).size).toBe(6);
  const other = scene.user();
  await other.client.status();
  const [call] = await scene.bridge.calls("GetStatus", other.userId);
  expect(keys.has(call?.metadata["bridge-routing-key"])).toBe(false);
});

test("an application may choose the routing key", async () => {
  const { client, userId } = scene.user({ routingKey: "rack-7" });
  await client.status();
  const [call] = await scene.bridge.calls("GetStatus", userId);
  expect(call?.metadata["bridge-routing-key"]).toBe("rack-7");
});

test("a stream asks a bridge that has named itself for echoes", async () => {
  const { client, userId } = scene.user();
  await client.connect();
  const [stream] = await scene.bridge.calls("StreamAudio", userId);
  expect(stream?.metadata["bridge-echo"]).toBe("1");
});
