// The stand-in misbehaves as told, as a plain client of grpc-js sees it.

import { Metadata, status } from "@grpc/grpc-js";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.js";
import { pair, connect, closePairs, join, echoing, reasonOf, rejected, wait } from "./stand-in/pair.js";

afterEach(closePairs);

describe("a misbehaving stand-in", () => {
  it("fails joins as told: once, for one user, or for all", async () => {
    const { bridge, client } = await pair();
    await bridge.once({ JoinRoom: { failure: "failed to connect to room: no such host" } });
    await bridge.once({ JoinRoom: { error: { code: "UNAVAILABLE", details: "draining" } } });
    await bridge.set({ JoinRoom: { error: { code: "RESOURCE_EXHAUSTED", details: "full" } } }, "bob");
    expect(await join(client)).toMatchObject({ success: false, error: "failed to connect to room: no such host" });
    expect(await rejected(join(client))).toMatchObject({ code: status.UNAVAILABLE, details: "draining" });
    expect(await rejected(join(client, "bob"))).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    expect((await join(client)).success).toBe(true);
    await bridge.set({ JoinRoom: { error: { code: "UNIMPLEMENTED" } } });
    expect(await rejected(join(client))).toMatchObject({ code: status.UNIMPLEMENTED });
    await bridge.set({ JoinRoom: {} });
    expect((await join(client)).success).toBe(true);
  });

  it("answers late, or never, and sees the client give up", async () => {
    const { bridge, client } = await pair();
    await bridge.once({ GetStatus: { delayMs: 150, reply: { connected: true } } });
    const startMs = performance.now();
    expect((await client.status("alice")).connected).toBe(true);
    expect(performance.now() - startMs).toBeGreaterThan(140);
    await bridge.set({ GetStatus: { hangs: true } });
    const { GetStatus } = client.raw;
    const given: unknown[] = [];
    const options = { deadline: Date.now() + 200 };
    GetStatus.call(client.raw, { user_id: "bob" }, new Metadata(), options, (error) => given.push(error));
    await eventually("the deadline", () => given.length === 1);
    expect(given).toMatchObject([{ code: status.DEADLINE_EXCEEDED }]);
    const isGivenUp = async () => (await bridge.calls("GetStatus", "bob"))[0]?.outcome === "cancelled";
    await eventually("the call given up", isGivenUp);
    const [call] = await bridge.calls("GetStatus", "bob");
    expect(call?.deadlineInMs).toBeGreaterThan(0);
    expect(call?.deadlineInMs).toBeLessThanOrEqual(200);
  });

  it("accepts a stream late, never, or refuses it", async () => {
    const { bridge, client } = await pair();
    await join(client);
    const startMs = performance.now();
    await bridge.once({ StreamAudio: { headers: { afterMs: 150 } } });
    await client.stream("alice").metadata;
    expect(performance.now() - startMs).toBeGreaterThan(140);
    await bridge.once({ StreamAudio: { refusal: { code: "NOT_FOUND", details: "who?", afterMs: 20 } } });
    expect(await client.stream("alice").ended).toMatchObject({ code: status.NOT_FOUND, details: "who?" });
    await bridge.once({ StreamAudio: { headers: "never" } });
    const silent = echoing(client);
    let hasHeaders = false;
    void silent.metadata.then(() => (hasHeaders = true));
    silent.heartbeat();
    await wait(100);
    expect([hasHeaders, silent.isEnded()]).toEqual([false, false]);
    await bridge.endStream("alice", { code: "UNAVAILABLE", details: "draining" });
    expect(await silent.ended).toMatchObject({ code: status.UNAVAILABLE, details: "draining" });
  });

  it("pushes back when it does not read, and takes the rest when it reads again", async () => {
    // Without this, grpc-js calls the first 1 MiB of a stream taken, whatever the peer does.
    const { bridge, client } = await pair({ kind: "new" }, { "grpc.per_rpc_retry_buffer_size": 8192 });
    await join(client);
    await bridge.set({ StreamAudio: { reads: false } });
    const stream = client.stream("alice");
    await stream.metadata;
    const chunkBytes = 16_000;
    const chunkCount = 64;
    for (let sent = 0; sent < chunkCount; sent += 1) stream.send(Buffer.alloc(chunkBytes, sent));
    await wait(200);
    expect(stream.call.writableLength).toBeGreaterThan(chunkCount / 2);
    expect((await bridge.received("alice")).totals.bytes).toBe(0);
    await bridge.set({ StreamAudio: {} });
    const isAllThere = async () => (await bridge.received("alice")).totals.bytes === chunkBytes * chunkCount;
    await eventually("all of it", isAllThere);
  });

  it("plays what the script says: a failure with its status, a status alone, or nothing for ever", async () => {
    const { bridge, client } = await pair();
    await join(client);
    const whole = client.play("alice", "http://audio.example/");
    expect([(await whole.ended).code, whole.types()]).toEqual([status.OK, "STARTED PROGRESS PROGRESS COMPLETED"]);
    await bridge.once({
      PlayAudio: { script: [{ event: { type: "FAILED", error: "broken" } }, { status: { code: "INVALID_ARGUMENT" } }] },
    });
    const failing = client.play("alice", "http://audio.example/");
    expect([(await failing.ended).code, failing.types()]).toEqual([status.INVALID_ARGUMENT, "FAILED"]);
    await bridge.once({ PlayAudio: { script: [{ afterMs: 50, status: { code: "INTERNAL" } }] } });
    const mute = client.play("alice", "http://audio.example/");
    expect([(await mute.ended).code, mute.types()]).toEqual([status.INTERNAL, ""]);
    await bridge.once({ PlayAudio: { script: [{ hangs: true }] } });
    const hanging = client.play("alice", "http://audio.example/");
    const isTaken = async () => (await bridge.counts()).openCalls.PlayAudio === 1;
    await eventually("the call", isTaken);
    expect(await client.stop({ user_id: "alice", request_id: "another" })).toMatchObject({ stopped_request_id: "" });
    hanging.call.cancel();
    await eventually("the cancel", async () => (await bridge.calls("PlayAudio")).at(-1)?.outcome === "cancelled");
  });

  it("ends streams with a code, details and a reason", async () => {
    const { bridge, client } = await pair();
    await Promise.all([join(client), join(client, "bob")]);
    const streams = [client.stream("alice"), client.stream("bob")];
    await Promise.all(streams.map(({ metadata }) => metadata));
    await bridge.endStream("alice", { reason: "duplicate_identity" });
    expect(await bridge.endAll({ code: "UNAVAILABLE", details: "draining", reason: "drain" })).toBe(1);
    const [alice, bob] = await Promise.all(streams.map(({ ended }) => ended));
    expect(alice && [alice.code, reasonOf(alice)]).toEqual([status.OK, "duplicate_identity"]);
    expect(bob && [bob.code, bob.details, reasonOf(bob)]).toEqual([status.UNAVAILABLE, "draining", "drain"]);
    expect((await client.status("alice")).last_disconnect_reason).toBe("duplicate_identity");
    expect(await rejected(bridge.endStream("alice"))).toBeInstanceOf(Error);
  });

  it("cuts the connection of one user, and of nobody else", async () => {
    const { bridge, client } = await pair();
    const other = connect(bridge);
    await Promise.all([join(client), join(other, "bob")]);
    const [alice, bob] = [client.stream("alice"), other.stream("bob")];
    await Promise.all([alice.metadata, bob.metadata]);
    expect(await bridge.cut("alice")).toBe(1);
    expect((await alice.ended).code).toBe(status.UNAVAILABLE);
    await wait(50);
    expect(bob.isEnded()).toBe(false);
    await eventually("one connection", async () => (await bridge.counts()).connections === 1);
  });

  it("sends a client to another connection, and lets open calls go on", async () => {
    const { bridge, client } = await pair();
    await join(client);
    const stream = echoing(client);
    await stream.metadata;
    expect(await bridge.goAway()).toBe(1);
    await eventually("a second connection", async () => {
      await client.status("alice");
      return (await bridge.counts()).connectionsEver === 2;
    });
    stream.heartbeat();
    await eventually("an echo on the first", () => stream.chunks.length === 1);
  });
});
