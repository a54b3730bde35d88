// Two hundred users on one bridge that is killed: everybody comes back by itself, and not all in the same instant.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BridgeClient } from "../../src/client/bridge-client.js";
import { createBridgeClient } from "../../src/client/create-bridge-client.js";
import type { ChannelPool } from "../../src/client/wire/channel-pool.js";
import { createChannelPool } from "../../src/client/wire/channel-pool.js";
import type { BridgeProcess } from "../support/bridge-process.js";
import { startBridgeProcess } from "../support/bridge-process.js";
import { eventually } from "../support/eventually.js";
import type { LiveKitServer } from "../support/livekit-server.js";
import { requireLiveKitServer, startLiveKitServer } from "../support/livekit-server.js";
import { createTestClient } from "../support/old-client.js";

const USERS = 200;
/** The limit of the pool is 100 joins a second: one each 10 ms, and timers may be 1 ms early. */
const JOINS_PER_100_MS_MAX = 12;

describe.skipIf(!requireLiveKitServer())("200 users whose bridge is killed", { timeout: 180_000 }, () => {
  let server: LiveKitServer;
  let bridge: BridgeProcess;
  let channels: ChannelPool;
  const clients: BridgeClient[] = [];
  /** When each join asked for its token, in milliseconds. */
  const joinsAtMs: number[] = [];

  beforeAll(async () => {
    server = await startLiveKitServer();
    bridge = await startBridgeProcess({ LIVEKIT_URL: server.url, LOG_LEVEL: "info" });
    channels = createChannelPool();
    for (let index = 0; index < USERS; index += 1) {
      const userId = `user-${index}`;
      const join = async () => {
        joinsAtMs.push(performance.now());
        return { url: "", roomName: userId, token: await server.token(`cloud-agent:${userId}`, userId) };
      };
      clients.push(createBridgeClient({ userId, address: bridge.address, channels, join }));
    }
    await Promise.all(clients.map((client) => client.connect()));
  });

  afterAll(async () => {
    await Promise.all(clients.map((client) => client.dispose()));
    expect(channels.channelCount).toBe(0);
    await bridge.stop();
    await server.stop();
  });

  it("are on eight connections, come back through a bounded number of joins a second, and each has one session", async () => {
    expect(channels.channelCount).toBe(USERS / 25);
    const port = bridge.address.split(":").at(-1) ?? "";
    bridge.signal("SIGKILL");
    await bridge.exited;
    await eventually("everybody has noticed", () => clients.every(({ state }) => state !== "streaming"), 15_000);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    bridge = await startBridgeProcess({ LIVEKIT_URL: server.url, LOG_LEVEL: "info", PORT: port });
    const backAtMs = performance.now();
    await eventually("everybody streaming", () => clients.every(({ state }) => state === "streaming"), 60_000);
    const tookMs = performance.now() - backAtMs;

    const fresh = joinsAtMs.filter((atMs) => atMs >= backAtMs);
    const most = Math.max(...fresh.map((from) => fresh.filter((atMs) => atMs >= from && atMs < from + 100).length));
    console.log(
      `${USERS} users back ${Math.round(tookMs)} ms after the bridge listened: ${fresh.length} joins, at most ${most} in 100 ms`,
    );
    expect(most).toBeLessThanOrEqual(JOINS_PER_100_MS_MAX);
    const asking = createTestClient(bridge.address);
    const health = await asking.health();
    asking.close();
    expect(health.active_sessions).toBe(USERS);
    expect(health.active_streams).toBe(USERS);
  });
});
