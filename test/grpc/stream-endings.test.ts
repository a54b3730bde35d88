import { Metadata } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import type { RoomEndReason } from "../../src/livekit/room.js";
import type { BridgeHarness } from "../support/embedded-bridge.js";
import { useEmbeddedBridge } from "../support/embedded-bridge.js";
import { eventually } from "../support/eventually.js";
import { startTcpProxy } from "../support/tcp-proxy.js";

const OK = 0;
const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;
const RESOURCE_EXHAUSTED = 8;
const UNAVAILABLE = 14;
const SOUND = Buffer.alloc(640, 1);

describe("how a stream ends", () => {
  let harness: BridgeHarness;
  useEmbeddedBridge((started) => {
    harness = started;
  });

  async function joined(user: string) {
    await harness.client.join(await harness.params(user));
    const stream = harness.client.stream(user);
    await stream.metadata;
    return stream;
  }

  test("without a user id in the first chunk: INVALID_ARGUMENT", async () => {
    const status = await harness.client.stream("").ended;
    expect(status).toMatchObject({ code: INVALID_ARGUMENT, details: "userId required in first chunk" });
  });

  test("of an unknown user: NOT_FOUND", async () => {
    const status = await harness.client.stream("nobody").ended;
    expect(status).toMatchObject({ code: NOT_FOUND, details: "session not found for user nobody" });
  });

  test("the client half-closes: OK within 100 ms, the session is kept and taken up again", async () => {
    const stream = await joined("alice");
    const startMs = performance.now();
    stream.call.end();
    expect((await stream.ended).code).toBe(OK);
    expect(performance.now() - startMs).toBeLessThan(100);
    expect(await harness.client.health()).toMatchObject({ active_sessions: 1, active_streams: 0 });
    const phone = await harness.rooms.join({ identity: "alice", room: "alice" });
    await phone.publishData(SOUND);
    const again = harness.client.stream("alice");
    await eventually("the kept packet", () => again.chunks.length === 1);
  });

  test("the client cancels: the session is gone and the room left within 2 s", async () => {
    const stream = await joined("alice");
    stream.call.cancel();
    await eventually("the room left", () => harness.rooms.identities("alice").length === 0, 2000);
    expect(await harness.client.status("alice")).toMatchObject({
      connected: false,
      last_disconnect_reason: "stream_error",
    });
    for (const line of [
      "StreamAudio send error for alice",
      "StreamAudio error for userId=alice",
      "Cleaning up session for alice due to stream error",
      "Closing room session",
      "StreamAudio context done: userId=alice",
    ]) {
      expect(harness.messages()).toContain(line);
    }
  });

  test("the client cancels while its uplink is held back: noticed all the same", async () => {
    const stream = await joined("alice");
    for (let second = 0; second < 60; second += 1) stream.send(Buffer.alloc(32_000, 1));
    await eventually("the uplink paused", () => harness.bridge.backend.stats().uplinkBytesIn > 320_000);
    stream.call.cancel();
    await eventually("the room left", () => harness.rooms.identities("alice").length === 0, 2000);
  });

  test.each(["end", "reset"] as const)(
    "the connection closes by %s: every session on it is torn down, others live",
    async (how) => {
      const bystander = await joined("bob");
      const proxy = await startTcpProxy(harness.address);
      const other = harness.connect({}, proxy.address);
      for (const user of ["a", "b"]) {
        await other.join(await harness.params(user));
        await other.stream(user).metadata;
      }
      expect((await harness.client.health()).active_streams).toBe(3);
      proxy[how]();
      await eventually("both gone", async () => (await harness.client.health()).active_sessions === 1, 2000);
      expect(bystander.isEnded()).toBe(false);
      await proxy.close();
    },
  );

  test("a second stream of the user: the older one ends OK, the newer gets every packet", async () => {
    const first = await joined("alice");
    const second = harness.client.stream("alice");
    expect((await first.ended).code).toBe(OK);
    await second.metadata;
    const phone = await harness.rooms.join({ identity: "alice", room: "alice" });
    for (let i = 0; i < 20; i += 1) await phone.publishData(SOUND);
    await eventually("20 chunks", () => second.chunks.length === 20);
    expect(first.chunks).toHaveLength(0);
  });

  test.each<[RoomEndReason, (harness: BridgeHarness) => Promise<unknown>, number]>([
    ["participant_removed", ({ rooms }) => rooms.removeParticipant("alice", "cloud-agent:alice"), OK],
    ["room_deleted", ({ rooms }) => rooms.deleteRoom("alice"), OK],
    ["duplicate_identity", ({ rooms }) => rooms.join({ identity: "cloud-agent:alice", room: "alice" }), OK],
    ["server_shutdown", async ({ rooms }) => rooms.shutdown(), UNAVAILABLE],
    [
      "connection_lost",
      async ({ rooms }) => rooms.dropTransport("alice", "cloud-agent:alice", { durationMs: 50, end: "lost" }),
      UNAVAILABLE,
    ],
  ])(
    "LiveKit says %s: the reason is in the trailing metadata, and the bridge does not rejoin",
    async (reason, end, code) => {
      const stream = await joined("alice");
      await end(harness);
      const status = await stream.ended;
      expect(status.code).toBe(code);
      expect(status.metadata.get("bridge-end-reason")).toEqual([reason]);
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(await harness.client.status("alice")).toMatchObject({ connected: false, last_disconnect_reason: reason });
      expect((await harness.client.health()).active_sessions).toBe(0);
      if (reason !== "duplicate_identity") expect(harness.rooms.identities("alice")).toEqual([]);
    },
  );

  test.each([
    ["track_id", { track_id: -1 }],
    ["sample_rate", { sample_rate: -16_000 }],
    ["sample_rate", { sample_rate: 1_000_000 }],
    ["channels", { channels: -1 }],
    ["channels", { channels: 9 }],
    ["user_id", { user_id: "mallory" }],
  ])(
    "a chunk with a wrong %s: INVALID_ARGUMENT with its name, the session waits for the next stream",
    async (field, bad) => {
      const stream = await joined("alice");
      stream.send(SOUND, bad);
      const status = await stream.ended;
      expect(status.code).toBe(INVALID_ARGUMENT);
      expect(status.details).toContain(field);
      const next = harness.client.stream("alice");
      await next.metadata;
      expect(next.isEnded()).toBe(false);
    },
  );

  test("one track too many: RESOURCE_EXHAUSTED, and nothing else is harmed", async () => {
    const stream = await joined("alice");
    for (let trackId = 0; trackId < 17; trackId += 1) stream.send(SOUND, { track_id: trackId });
    expect((await stream.ended).code).toBe(RESOURCE_EXHAUSTED);
    expect((await harness.client.status("alice")).connected).toBe(true);
  });

  test("opened while the join is pending, it waits and is attached", async () => {
    const hold = harness.rooms.faults.holdConnects();
    const joining = harness.client.join(await harness.params("alice"));
    await eventually("joining", async () => (await harness.client.health()).active_sessions === 1);
    const stream = harness.client.stream("alice");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(stream.isEnded()).toBe(false);
    hold.lift();
    expect((await joining).success).toBe(true);
    await stream.metadata;
    expect((await harness.client.health()).active_streams).toBe(1);
  });

  test("opened while a join is pending that fails: NOT_FOUND", async () => {
    harness.rooms.faults.holdConnects({}, { forMs: 100 });
    harness.rooms.faults.refuseConnects();
    const joining = harness.client.join(await harness.params("alice"));
    await eventually("joining", async () => (await harness.client.health()).active_sessions === 1);
    const stream = harness.client.stream("alice");
    expect((await joining).success).toBe(false);
    expect((await stream.ended).code).toBe(NOT_FOUND);
  });

  test("heartbeats are echoed to a client that asks for it, and to no other", async () => {
    await harness.client.join(await harness.params("alice"));
    await harness.client.join(await harness.params("bob"));
    const metadata = new Metadata();
    metadata.set("bridge-echo", "1");
    const echoed = harness.client.stream("alice", metadata);
    const plain = harness.client.stream("bob");
    for (const stream of [echoed, plain]) {
      await stream.metadata;
      for (let i = 0; i < 3; i += 1) stream.heartbeat();
    }
    await eventually("three echoes", () => echoed.chunks.length === 3);
    expect(echoed.chunks.every(({ pcm_data }) => pcm_data.length === 0)).toBe(true);
    await eventually("bob's heartbeats", () => harness.bridge.backend.stats().heartbeatsIn === 6);
    expect(plain.chunks).toHaveLength(0);
  });
});
