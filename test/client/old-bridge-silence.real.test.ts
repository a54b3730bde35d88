// An old bridge sends no headers, echoes nothing and takes pings for an attack: a minute in which nobody speaks looks like a
// dead connection in every way, and is none.

import { afterAll, expect, test } from "vitest";
import { createBridgeClient } from "../../src/client/create-bridge-client.js";
import { createChannelPool } from "../../src/client/wire/channel-pool.js";
import { eventually } from "../support/eventually.js";
import { startStandIn, stopStandIns } from "./stand-in/stand-in.js";

afterAll(stopStandIns);

const SILENCE_MS = 60_000;

test(
  "a minute of silence of an old bridge is lived through, and what it says then is heard",
  { timeout: 90_000 },
  async () => {
    const bridge = await startStandIn({ kind: "old" });
    const channels = createChannelPool();
    const users = Array.from({ length: 5 }, (_, i) => `user-${i}`);
    const clients = users.map((userId) => {
      const join = () => ({ url: "", roomName: userId, token: "token" });
      const client = createBridgeClient({ userId, address: bridge.address, channels, join });
      const seen = { client, failures: [] as string[], heardBytes: 0 };
      client.on("failed", ({ error }) => seen.failures.push(error.code));
      client.on("audio", ({ pcm }) => (seen.heardBytes += pcm.length));
      return seen;
    });
    await Promise.all(clients.map(({ client }) => client.connect()));
    await new Promise((done) => setTimeout(done, SILENCE_MS));
    for (const user of users) await bridge.send(user, [640]);
    await eventually("everybody is heard", () => clients.every(({ heardBytes }) => heardBytes === 640));
    expect(clients.map(({ client, failures }) => [client.state, client.stats.joins, failures])).toEqual(
      users.map(() => ["streaming", 1, []]),
    );
    const { pings, tooManyPings, streams } = await bridge.counts();
    expect({ pings, tooManyPings, streams }).toEqual({ pings: 0, tooManyPings: 0, streams: users.length });
    await Promise.all(clients.map(({ client }) => client.dispose()));
    await eventually("all is closed", () => channels.channelCount === 0);
  },
);
