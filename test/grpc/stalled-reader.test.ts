import { describe, expect, test } from "vitest";
import type { BridgeHarness } from "../support/embedded-bridge.js";
import { useEmbeddedBridge } from "../support/embedded-bridge.js";
import { eventually } from "../support/eventually.js";

describe("a reader that stalls", () => {
  let harness: BridgeHarness;
  useEmbeddedBridge((started) => {
    harness = started;
  });

  test("has a bounded queue, is torn down, its HTTP/2 stream reset; a bystander on the connection loses nothing", async () => {
    const { client, rooms, params, bridge } = harness;
    const phones = new Map<string, Awaited<ReturnType<typeof rooms.join>>>();
    for (const user of ["stalled", "bystander"]) {
      await client.join(await params(user));
      phones.set(user, await rooms.join({ identity: user, room: user }));
    }
    const stalled = client.stream("stalled");
    const bystander = client.stream("bystander");
    await Promise.all([stalled.metadata, bystander.metadata]);
    stalled.call.pause();
    const startMs = performance.now();
    let sent = 0;
    let longestQueue = 0;
    // 64 KB of window take about 20 of these packets; from then on a write is not taken.
    const timer = setInterval(() => {
      sent += 1;
      void phones.get("bystander")?.publishData(Buffer.alloc(3200, sent));
      for (let i = 0; i < 5; i += 1) void phones.get("stalled")?.publishData(Buffer.alloc(3200, 1));
      const { packetsIn, packetsOut, packetsDropped } = bridge.backend.stats();
      longestQueue = Math.max(longestQueue, packetsIn - packetsOut - packetsDropped);
    }, 20);
    await eventually("the session torn down", async () => (await client.health()).active_sessions === 1, 6000);
    const tornDownMs = performance.now() - startMs;
    await eventually("the room left", () => !rooms.identities("stalled").includes("cloud-agent:stalled"), 2000);
    clearInterval(timer);
    expect(tornDownMs).toBeGreaterThan(2000);
    expect(tornDownMs).toBeLessThan(4000);
    expect((await client.status("stalled")).last_disconnect_reason).toBe("send_timeout");
    expect(longestQueue).toBeLessThanOrEqual(201);
    await eventually("every packet of the bystander", () => bystander.chunks.length === sent);
    expect(bystander.chunks.map(({ pcm_data }) => pcm_data[0])).toEqual(
      Array.from({ length: sent }, (_, i) => (i + 1) & 0xff),
    );
    expect(harness.messages()).toContain("StreamAudio send timeout");
    const drops = harness.messages().filter((message) => message.startsWith("Dropping audio frame"));
    expect(drops[0]).toBe("Dropping audio frame for stalled (channel full)");
    expect(drops.length).toBeLessThan(3);
    // The reset reaches the client although it reads nothing: its call ends once it reads again.
    stalled.call.resume();
    expect((await stalled.ended).code).not.toBe(0);
  });

  test("that only pauses for a second loses nothing that fits the queue", async () => {
    const { client, rooms, params } = harness;
    await client.join(await params("alice"));
    const phone = await rooms.join({ identity: "alice", room: "alice" });
    const stream = client.stream("alice");
    await stream.metadata;
    stream.call.pause();
    for (let i = 0; i < 100; i += 1) await phone.publishData(Buffer.alloc(2000, i));
    await new Promise((resolve) => setTimeout(resolve, 1000));
    stream.call.resume();
    await eventually("a hundred chunks", () => stream.chunks.length === 100);
    expect(stream.chunks.map(({ pcm_data }) => pcm_data[0])).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  test("bytes in are bytes out, dropped, expired or waiting", async () => {
    const { client, rooms, params, bridge } = harness;
    await client.join(await params("alice"));
    const phone = await rooms.join({ identity: "alice", room: "alice" });
    const stream = client.stream("alice");
    await stream.metadata;
    stream.call.pause();
    for (let i = 0; i < 600; i += 1) await phone.publishData(Buffer.alloc(2000, i));
    await new Promise((resolve) => setTimeout(resolve, 100));
    await client.leave("alice");
    const stats = bridge.backend.stats();
    expect(stats.bytesIn).toBe(1_200_000);
    expect(stats.bytesOut + stats.bytesDropped + stats.bytesExpired).toBe(stats.bytesIn);
    expect(stats.bytesDropped).toBeGreaterThan(0);
  });
});
