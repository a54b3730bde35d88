import { describe, expect, test } from "vitest";
import type { BridgeHarness } from "../support/embedded-bridge.js";
import { startEmbeddedBridge, useEmbeddedBridge } from "../support/embedded-bridge.js";
import { eventually } from "../support/eventually.js";
import { createOldCloud } from "../support/old-cloud.js";
import { createSimulatedClock } from "../support/simulated-clock.js";

describe("a client of old", () => {
  let harness: BridgeHarness;
  useEmbeddedBridge((started) => {
    harness = started;
  });

  test("holds its whole conversation: join, stream, audio both ways, status, leave", async () => {
    const { rooms, client } = harness;
    const cloud = createOldCloud(harness.address, harness.params);
    const phone = await rooms.join({ identity: "alice", room: "alice" });
    await cloud.connect("alice");
    const stream = cloud.stream("alice");
    await phone.publishData(Buffer.alloc(640, 5));
    await eventually("a chunk", () => stream?.chunks.length === 1);
    expect(typeof stream?.chunks[0]?.timestamp_ms).toBe("string");
    stream?.send(Buffer.alloc(640, 1));
    await eventually("the speaker", () => phone.trackNames.includes("speaker"));
    const status = await client.status("alice");
    expect(status).toMatchObject({ connected: true, participant_id: "cloud-agent:alice", participant_count: 2 });
    expect(status.server_version).not.toBe("1.0.0");
    expect(await client.leave("alice", "User disconnected")).toEqual({ success: true, error: "" });
    expect((await stream?.ended)?.code).toBe(0);
    cloud.close();
  });

  test("that is replaced by another cloud does not fight for its user", async () => {
    const one = createOldCloud(harness.address, harness.params);
    const two = createOldCloud(harness.address, harness.params);
    await one.connect("alice");
    await two.connect("alice");
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect({ one: one.connected(), two: two.connected(), retries: one.retries() + two.retries() }).toEqual({
      one: 0,
      two: 1,
      retries: 0,
    });
    one.close();
    two.close();
  });

  test("200 users on one connection join in the same instant: all are in, none hangs", async () => {
    const cloud = createOldCloud(harness.address, harness.params);
    const users = Array.from({ length: 200 }, (_, i) => `user-${i}`);
    await Promise.all(users.map((user) => cloud.connect(user)));
    expect(cloud.connected()).toBe(200);
    expect(await harness.client.health()).toMatchObject({ active_sessions: 200, active_streams: 200 });
    const phones = await Promise.all(users.map((user) => harness.rooms.join({ identity: user, room: user })));
    for (let i = 0; i < 10; i += 1) await Promise.all(phones.map((phone) => phone.publishData(Buffer.alloc(640, i))));
    await eventually("every packet of everybody", () =>
      users.every((user) => cloud.stream(user)?.chunks.length === 10),
    );
    cloud.close();
  });
});

describe("a client of old that says nothing", () => {
  test("lives for five minutes, since it has never sent a heartbeat; one that has lives thirty seconds", async () => {
    const clock = createSimulatedClock();
    const harness = await startEmbeddedBridge({ clock });
    const joining = Promise.all(
      ["muted", "beating"].map(async (user) => harness.client.join(await harness.params(user))),
    );
    await settle(clock, async () => (await harness.client.health()).active_sessions === 2);
    await settle(clock, async () => (await harness.client.health()).metadata["sessions_connected"] === "2");
    expect((await joining).every(({ success }) => success)).toBe(true);
    const muted = harness.client.stream("muted");
    const beating = harness.client.stream("beating");
    await Promise.all([muted.metadata, beating.metadata]);
    for (let beat = 0; beat < 4; beat += 1) {
      beating.heartbeat();
      await settle(clock, () => harness.bridge.backend.stats().heartbeatsIn === beat + 1);
      await clock.advance(10_000);
    }
    await clock.advance(19_000);
    expect(beating.isEnded()).toBe(false);
    await clock.advance(1500);
    expect(await beating.ended).toMatchObject({ code: 4, details: "stream timeout" });
    expect(harness.messages()).toContain("StreamAudio timeout for beating (no activity for 30s)");
    await clock.advance(240_000);
    expect(muted.isEnded()).toBe(false);
    expect((await harness.client.status("muted")).connected).toBe(true);
    const stopping = harness.stop();
    await settle(clock, () => harness.engine.counts().rooms === 0);
    await clock.advance(2000);
    await stopping;
  });
});

/** Real sockets meet a simulated clock: time stands still while bytes travel. */
async function settle(clock: { advance(ms: number): Promise<void> }, check: () => boolean | Promise<boolean>) {
  await eventually("it settles", async () => {
    await clock.advance(0);
    return check();
  });
}
