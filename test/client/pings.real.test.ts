// HTTP/2 pings go only to a bridge that has named itself: one from before takes them for an attack, and drops every user of
// the connection. They come every ten seconds, so this takes some time.

import { afterAll, expect, test } from "vitest";
import { createBridgeClient } from "../../src/client/create-bridge-client.js";
import { createChannelPool } from "../../src/client/wire/channel-pool.js";
import { eventually } from "../support/eventually.js";
import type { StandIn } from "./stand-in/stand-in.js";
import { startStandIn, stopStandIns } from "./stand-in/stand-in.js";

afterAll(stopStandIns);

const KEEPALIVE_MS = 10_000;

async function connected(bridge: StandIn) {
  const channels = createChannelPool();
  const join = () => ({ url: "", roomName: "room", token: "token" });
  const limits = { backoffBaseMs: 50, backoffMaxMs: 200 };
  const client = createBridgeClient({ userId: "alice", address: bridge.address, channels, join, limits });
  const failures: string[] = [];
  client.on("failed", ({ error }) => failures.push(error.code));
  await client.connect();
  return { client, channels, failures };
}

test("a bridge that has named itself is pinged; one from before never, also after a downgrade at the same address", async () => {
  const old = await startStandIn({ kind: "old" });
  const changing = await startStandIn({ kind: "new" });
  const [toOld, toChanging] = await Promise.all([connected(old), connected(changing)]);
  await eventually("the new one is pinged", async () => (await changing.counts()).pings >= 1, 2 * KEEPALIVE_MS);
  await changing.restart({ kind: "old" });
  await eventually("it is joined as an old one", () => toChanging.client.stats.joins === 2, KEEPALIVE_MS);
  const pingsBefore = (await changing.counts()).pings;
  await new Promise((done) => setTimeout(done, 1.5 * KEEPALIVE_MS));
  expect((await changing.counts()).pings).toBe(pingsBefore);
  expect([(await old.counts()).pings, (await old.counts()).tooManyPings]).toEqual([0, 0]);
  expect((await changing.counts()).tooManyPings).toBe(0);
  expect([toOld.failures, toOld.client.state]).toEqual([[], "streaming"]);
  await Promise.all([toOld.client.dispose(), toChanging.client.dispose()]);
  await eventually("all is closed", () => toOld.channels.channelCount + toChanging.channels.channelCount === 0);
});
