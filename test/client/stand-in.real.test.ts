// The stand-in is what it says it is, a new bridge or an old one, as a plain client of grpc-js sees it.

import { status } from "@grpc/grpc-js";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.js";
import { pair, closePairs, join, echoing, reasonOf, wait } from "./stand-in/pair.js";

afterEach(closePairs);

describe("the stand-in as a new bridge", () => {
  it("names itself in the join and in the stream's initial metadata, at once", async () => {
    const { client } = await pair({ kind: "new", version: "3.2.1" });
    expect((await join(client)).metadata).toEqual({ version: "3.2.1", session: "1", headers: "1", keepalive: "1" });
    expect((await client.stream("alice").metadata).get("bridge-version")).toEqual(["3.2.1"]);
  });

  it("echoes heartbeats only to a client that asked for it, and never the first chunk", async () => {
    const { bridge, client } = await pair();
    await join(client);
    await join(client, "bob");
    const plain = client.stream("bob");
    const stream = echoing(client);
    for (const each of [plain, stream]) {
      each.heartbeat();
      each.heartbeat();
    }
    await eventually("two echoes", () => stream.chunks.length === 2);
    expect((await bridge.received("alice")).totals).toMatchObject({ chunks: 3, heartbeats: 2 });
    await eventually("bob's heartbeats", async () => (await bridge.received("bob")).totals.heartbeats === 2);
    expect(plain.chunks).toEqual([]);
  });

  it("can stop echoing on a stream that is open, and goes on sending audio", async () => {
    const { bridge, client } = await pair();
    await join(client);
    const stream = echoing(client);
    await stream.metadata;
    await bridge.set({ StreamAudio: { echoes: false } });
    stream.heartbeat();
    await eventually("the heartbeat", async () => (await bridge.received("alice")).totals.heartbeats === 1);
    expect(await bridge.send("alice", [320, 640])).toEqual({ chunks: 2, bytes: 960, isCutShort: false });
    await eventually("the audio", () => stream.chunks.length === 2);
    expect(stream.chunks.map(({ pcm_data }) => pcm_data.length)).toEqual([320, 640]);
    const samples = Buffer.concat(stream.chunks.map(({ pcm_data }) => pcm_data));
    expect([samples.readInt16LE(0), samples.readInt16LE(958)]).toEqual([0, 479]);
  });

  it("ends the stream that a join replaces before it answers the join", async () => {
    const { client } = await pair();
    await join(client);
    const order: string[] = [];
    const old = client.stream("alice");
    await old.metadata;
    const ended = old.ended.then((end) => order.push(`stream ${end.code} ${reasonOf(end)}`));
    await join(client).then(() => order.push("reply"));
    await ended;
    expect(order).toEqual(["stream 0 replaced", "reply"]);
  });

  it("ends that stream after the reply, or never, when told so", async () => {
    const { bridge, client } = await pair();
    await join(client);
    const old = client.stream("alice");
    await old.metadata;
    await bridge.once({ JoinRoom: { endsOldStream: "after-reply" } });
    await bridge.set({ JoinRoom: { endsOldStream: "never" } });
    await join(client);
    expect(reasonOf(await old.ended)).toBe("replaced");
    const second = client.stream("alice");
    await second.metadata;
    await join(client);
    await wait(50);
    expect(second.isEnded()).toBe(false);
  });

  it("gives up the older of two joins, and lets only the newer have a session", async () => {
    const { bridge, client } = await pair({ kind: "new", JoinRoom: { delayMs: 100 } });
    const [first, second] = await Promise.all([join(client), join(client)]);
    expect([first.error, second.success]).toEqual(["failed to connect to room: superseded by a newer join", true]);
    const { joinsAtOnceMax, joins, sessions } = await bridge.counts();
    expect({ joinsAtOnceMax, joins, sessions }).toEqual({
      joinsAtOnceMax: { alice: 2 },
      joins: { alice: 2 },
      sessions: 1,
    });
  });

  it("ends the stream on LeaveRoom, and remembers the reason", async () => {
    const { client } = await pair();
    await join(client);
    const stream = client.stream("alice");
    await stream.metadata;
    expect(await client.leave("alice")).toEqual({ success: true, error: "" });
    expect(reasonOf(await stream.ended)).toBe("left");
    expect(await client.status("alice")).toMatchObject({ connected: false, last_disconnect_reason: "left" });
    expect(await client.leave("alice")).toEqual({ success: false, error: "session not found" });
  });

  it("refuses a stream without a user or without a session", async () => {
    const { client } = await pair();
    expect(await client.stream("").ended).toMatchObject({ code: status.INVALID_ARGUMENT });
    const details = "session not found for user alice";
    expect(await client.stream("alice").ended).toMatchObject({ code: status.NOT_FOUND, details });
  });

  it("lets go of the session when the client cancels, and keeps it when the client only half-closes", async () => {
    const { bridge, client } = await pair();
    await join(client);
    const closing = client.stream("alice");
    await closing.metadata;
    closing.call.end();
    expect(reasonOf(await closing.ended)).toBe("half_closed");
    expect((await client.status("alice")).connected).toBe(true);
    const cancelling = client.stream("alice");
    await cancelling.metadata;
    cancelling.call.cancel();
    await eventually("the end of the session", async () => !(await client.status("alice")).connected);
    const streams = await bridge.calls("StreamAudio", "alice");
    expect(streams.map(({ outcome }) => outcome)).toEqual(["answered", "cancelled"]);
  });
});

describe("the stand-in as an old bridge", () => {
  it("names nothing, and sends no headers before its first packet", async () => {
    const { bridge, client } = await pair({ kind: "old" });
    expect((await join(client)).metadata).toEqual({});
    const stream = echoing(client);
    let hasHeaders = false;
    void stream.metadata.then(() => (hasHeaders = true));
    stream.heartbeat();
    await eventually("the heartbeat", async () => (await bridge.received("alice")).totals.heartbeats === 1);
    await wait(50);
    expect([hasHeaders, stream.chunks.length]).toEqual([false, 0]);
    await bridge.send("alice", [320]);
    expect((await stream.metadata).get("bridge-version")).toEqual([]);
    expect((await client.status("alice")).server_version).toBe("1.0.0");
  });

  it("ends a stream OK without a reason, and still says that it is connected", async () => {
    const { bridge, client } = await pair({ kind: "old" });
    await join(client);
    const stream = client.stream("alice");
    await eventually("the stream", async () => (await bridge.counts()).streams === 1);
    await bridge.endStream("alice");
    const end = await stream.ended;
    expect([end.code, reasonOf(end)]).toEqual([status.OK, undefined]);
    expect((await client.status("alice")).connected).toBe(true);
  });

  it("stops everything, whatever StopAudio asks for", async () => {
    const hanging = { script: [{ event: { type: "STARTED" } }, { hangs: true }] } as const;
    const { client } = await pair({ kind: "old", PlayAudio: hanging });
    await join(client);
    const plays = [1, 2].map((track_id) => client.play("alice", "http://audio.example/", { track_id }));
    await eventually("both plays", () => plays.every(({ events }) => events.length === 1));
    const { stopped_request_id } = await client.stop({ user_id: "alice", request_id: "another", reason: "enough" });
    expect(stopped_request_id.split(",")).toHaveLength(2);
    for (const { ended } of plays)
      expect(await ended).toMatchObject({ code: status.CANCELLED, details: "stopped: enough" });
  });

  it("knows the refusal of a second session", async () => {
    const { client } = await pair({ kind: "old", JoinRoom: { refusesSecondSession: true } });
    await join(client);
    expect(await join(client)).toMatchObject({ success: false, error: "session already exists for this user" });
  });

  it("closes the connection with too_many_pings for pings that come too often, and every stream with it", async () => {
    const pinging = { "grpc.keepalive_time_ms": 100, "grpc.keepalive_timeout_ms": 1000 };
    const { bridge, client } = await pair({ kind: "old" }, pinging);
    await join(client);
    await join(client, "bob");
    const streams = [client.stream("alice"), client.stream("bob")];
    const ends = await Promise.all(streams.map(({ ended }) => ended));
    // What grpc-js makes of a connection that ends with ENHANCE_YOUR_CALM.
    expect(ends.map(({ code }) => code)).toEqual([status.RESOURCE_EXHAUSTED, status.RESOURCE_EXHAUSTED]);
    const { pingsByConnection, tooManyPings } = await bridge.counts();
    expect(tooManyPings).toBe(1);
    expect(pingsByConnection["1"]).toBeGreaterThanOrEqual(4);
  });

  it("forgives pings while it sends audio", async () => {
    const pinging = { "grpc.keepalive_time_ms": 100, "grpc.keepalive_timeout_ms": 1000 };
    const { bridge, client } = await pair({ kind: "old" }, pinging);
    await join(client);
    const stream = client.stream("alice");
    await eventually("the stream", async () => (await bridge.counts()).streams === 1);
    await bridge.send(
      "alice",
      Array.from({ length: 50 }, () => 320),
      { everyMs: 20 },
    );
    const { pings, tooManyPings } = await bridge.counts();
    expect(pings).toBeGreaterThan(4);
    expect([stream.isEnded(), tooManyPings]).toEqual([false, 0]);
  });
});
