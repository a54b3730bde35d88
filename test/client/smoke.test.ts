import { expect, test } from "vitest";
import { startEmbeddedBridge } from "../support/embedded-bridge.js";
import { createBridgeClient } from "../../src/client/create-bridge-client.js";
import { createChannelPool } from "../../src/client/wire/channel-pool.js";
import { eventually } from "../support/eventually.js";

test("joins, hears, plays back, leaves", async () => {
  const harness = await startEmbeddedBridge();
  const channels = createChannelPool();
  const logs: unknown[] = [];
  const log = (fields: object, message: string) => logs.push([message, fields]);
  const logger = { trace: log, debug: log, info: log, warn: log, error: log };
  const client = createBridgeClient({
    userId: "alice",
    address: harness.address,
    channels,
    logger,
    limits: { heartbeatIntervalMs: 200, echoTimeoutMs: 400 },
    join: async () => {
      const p = await harness.params("alice");
      return { url: "", roomName: "alice", token: p.token };
    },
  });
  const info = await client.connect();
  expect(info.participantId).toBe("cloud-agent:alice");
  const heard: number[] = [];
  client.on("audio", ({ pcm }) => heard.push(pcm.length));
  const phone = await harness.rooms.join({ identity: "alice", room: "alice" });
  await phone.publishData(new Uint8Array(640), { reliable: true });
  await eventually("audio", () => heard.length === 1);
  expect(client.send(new Uint8Array(3200))).toBe(true);
  await new Promise((r) => setTimeout(r, 1500));
  expect(client.state).toBe("streaming");
  expect(channels.channelCount).toBe(1);
  console.log(await client.status(), client.stats);
  const events = [];
  for await (const e of client.play({ url: "nothing" })) events.push(e);
  console.log(events, await client.stop());
  await client.rejoin();
  await client.dispose();
  await eventually("channels", () => channels.channelCount === 0);
  console.log(JSON.stringify(logs, null, 1));
  await phone.leave();
  await harness.stop();
});
