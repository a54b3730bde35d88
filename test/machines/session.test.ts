import { describe, expect, it } from "vitest";
import type { EndReason, StreamEnd } from "../../src/machines/ports.js";
import type { Rig } from "../models/rig.js";
import { bridgeIdentity, numberOf } from "../models/rig.js";
import { cross, goLive, rigPerTest } from "../models/rig-per-test.js";
import type { FakeStreamPort } from "../models/ports.js";

const rigFor = rigPerTest();
const heard = (stream: FakeStreamPort) => stream.received.map(numberOf);

describe("a stream", () => {
  it("gets the last second of audio when it attaches, and what is older not", async () => {
    const rig = await rigFor();
    await rig.join("alice");
    await rig.settle();
    await rig.talk("alice", 1);
    await rig.clock.advance(1);
    await rig.talk("alice", 2, 3);
    await rig.clock.advance(1000);
    const stream = rig.open("alice");
    await rig.talk("alice", 4);
    expect(heard(stream)).toEqual([2, 3, 4]);
    expect(rig.medias.get(1)?.stats.packetsExpired).toBe(1);
  });

  it("that opens while the join is pending is attached when the join succeeds", async () => {
    const rig = await rigFor();
    const hold = rig.rooms.faults.holdConnects();
    await rig.join("alice");
    await rig.settle();
    const stream = rig.open("alice");
    await rig.clock.advance(5000);
    expect(stream.wasConnected).toBe(false);
    hold.lift();
    await rig.settle();
    expect(stream.wasConnected).toBe(true);
    await rig.talk("alice", 1);
    expect(heard(stream)).toEqual([1]);
  });

  it("that opens while the join is pending ends NOT_FOUND when the join fails", async () => {
    const rig = await rigFor();
    rig.rooms.faults.holdConnects();
    await rig.join("alice");
    const stream = rig.open("alice");
    await rig.clock.advance(15_000);
    expect(stream.streamEnd).toMatchObject({ status: "NOT_FOUND", details: "session not found for user alice" });
  });

  it("of an unknown user ends NOT_FOUND", async () => {
    const rig = await rigFor();
    const stream = rig.open("nobody");
    expect(stream.streamEnd).toMatchObject({ status: "NOT_FOUND", details: "session not found for user nobody" });
  });

  it("ends OK when a second one opens, which gets every packet from then on", async () => {
    const rig = await rigFor();
    const { stream: first } = await goLive(rig, "alice");
    await rig.talk("alice", 1);
    const second = rig.open("alice");
    await rig.talk("alice", 2, 3);
    expect(first.streamEnd).toEqual({ status: "OK", details: "", reason: "replaced" });
    expect([heard(first), heard(second)]).toEqual([[1], [2, 3]]);
    expect(rig.counts()).toMatchObject({ sessions: 1, streams: 1 });
  });

  it.each(["halfClosed", "cancelled", "invalid", "taken"] as const)(
    "that has been replaced changes nothing by a late `%s`",
    async (event) => {
      const rig = await rigFor();
      const { stream: first } = await goLive(rig, "alice");
      first.stall();
      await rig.talk("alice", 1);
      const second = rig.open("alice");
      await rig.settle();
      first.late(event);
      await rig.talk("alice", 2);
      await rig.clock.advance(10_000);
      expect(second.isSettled).toBe(false);
      expect(heard(second)).toEqual([2]);
    },
  );

  it("that half-closes ends OK and leaves the session 30 s for another", async () => {
    const rig = await rigFor();
    const { stream } = await goLive(rig, "alice");
    stream.halfClose();
    await rig.settle();
    expect(stream.streamEnd?.status).toBe("OK");
    await rig.clock.advance(29_500);
    await rig.talk("alice", 7);
    const next = rig.open("alice");
    await rig.clock.advance(60_000);
    expect(heard(next)).toEqual([7]);
    expect(next.isSettled).toBe(false);
  });

  it("that half-closed while the join was pending leaves the session 30 s as well", async () => {
    const rig = await rigFor();
    const hold = rig.rooms.faults.holdConnects();
    await rig.join("alice");
    const stream = rig.open("alice");
    stream.halfClose();
    hold.lift();
    await rig.settle();
    expect(stream.answer).toBe("OK");
    await cross(rig, 30_000, () => expect(rig.counts().sessions).toBe(1));
    expect(rig.counts().sessions).toBe(0);
  });

  it("with an invalid chunk ends with that chunk's error and leaves the session 30 s", async () => {
    const rig = await rigFor();
    const { stream } = await goLive(rig, "alice");
    stream.invalid();
    expect(stream.answer).toBe("INVALID_ARGUMENT track_id");
    await cross(rig, 30_000, () => expect(rig.counts().sessions).toBe(1));
    expect(rig.status("alice").lastDisconnect?.reason).toBe("zombie");
  });

  it("that its client cancels takes session and room with it", async () => {
    const rig = await rigFor();
    const { stream } = await goLive(rig, "alice");
    stream.cancel();
    await rig.settle();
    expect(rig.rooms.identities("alice")).toEqual([]);
    expect(rig.status("alice").lastDisconnect?.reason).toBe("stream_error");
  });

  it("that takes no write for 2 s ends DEADLINE_EXCEEDED, and the room is left", async () => {
    const rig = await rigFor();
    const { stream } = await goLive(rig, "alice");
    stream.stall();
    await rig.clock.advance(10_000);
    await rig.talk("alice", 1);
    await cross(rig, 2000, () => expect(stream.isSettled).toBe(false));
    expect(stream.streamEnd).toEqual({
      status: "DEADLINE_EXCEEDED",
      details: "send timeout",
      reason: "send_timeout",
    });
    expect(rig.engine.counts().rooms).toBe(0);
  });

  it("that takes each write late, but within 2 s, lives", async () => {
    const rig = await rigFor();
    const { stream } = await goLive(rig, "alice");
    for (let round = 0; round < 20; round += 1) {
      stream.stall();
      await rig.talk("alice", round);
      await rig.clock.advance(1999);
      stream.unstall();
      await rig.settle();
    }
    expect(stream.received).toHaveLength(20);
    expect(stream.isSettled).toBe(false);
  });

  it("that is slow loses the oldest packets beyond 200, counted", async () => {
    const rig = await rigFor();
    const { stream } = await goLive(rig, "alice");
    stream.stall();
    await rig.talk("alice", ...Array.from({ length: 251 }, (_, number) => number));
    expect(rig.medias.get(1)?.queueLength).toBe(200);
    stream.unstall();
    await rig.settle();
    expect(heard(stream)).toEqual([0, ...Array.from({ length: 200 }, (_, number) => 51 + number)]);
    expect(rig.medias.get(1)?.stats.packetsDropped).toBe(50);
  });

  it("echoes heartbeats to a client that has asked for it, and to no other", async () => {
    const rig = await rigFor();
    await rig.join("alice");
    await rig.settle();
    const plain = rig.open("alice");
    plain.heartbeat();
    await rig.settle();
    const echoed = rig.open("alice", true);
    echoed.heartbeat();
    await rig.settle();
    expect([plain.echoes, echoed.echoes]).toEqual([0, 1]);
  });
});

describe("silence", () => {
  it("of 30 s without a stream makes a session a zombie, which is reaped", async () => {
    const rig = await rigFor();
    await rig.join("alice");
    await rig.settle();
    await cross(rig, 30_000, () => expect(rig.rooms.identities("alice")).toEqual([bridgeIdentity("alice")]));
    expect(rig.rooms.identities("alice")).toEqual([]);
    expect(rig.counts()).toMatchObject({ sessions: 0, closing: 0 });
    expect(rig.status("alice").lastDisconnect?.reason).toBe("zombie");
  });

  it("does not end a peer that sends heartbeats, and ends it 30 s after its last", async () => {
    const rig = await rigFor();
    const { stream } = await goLive(rig, "alice");
    for (let beat = 0; beat < 60; beat += 1) {
      await rig.clock.advance(5000);
      stream.heartbeat();
    }
    await cross(rig, 30_000, () => expect(stream.isSettled).toBe(false));
    expect(stream.streamEnd).toEqual({
      status: "DEADLINE_EXCEEDED",
      details: "stream timeout",
      reason: "inactivity",
    });
  });

  it("does not end a heartbeat peer that is sent audio, and ends it 30 s after the last packet", async () => {
    const rig = await rigFor();
    const { stream } = await goLive(rig, "alice");
    stream.heartbeat();
    stream.heartbeat();
    await rig.clock.advance(20_000);
    await rig.talk("alice", 1);
    await cross(rig, 30_000, () => expect(stream.isSettled).toBe(false));
    expect(stream.streamEnd?.reason).toBe("inactivity");
  });

  it("of five minutes does not end an old client, which sends no heartbeats", async () => {
    const rig = await rigFor();
    const { stream } = await goLive(rig, "alice");
    await rig.clock.advance(300_000);
    expect(stream.isSettled).toBe(false);
    await rig.talk("alice", 1);
    expect(heard(stream)).toEqual([1]);
  });

  it("after a single heartbeat does not end a peer: the second makes it a heartbeat peer", async () => {
    const rig = await rigFor();
    const { stream } = await goLive(rig, "alice");
    stream.heartbeat();
    await rig.clock.advance(120_000);
    expect(stream.isSettled).toBe(false);
    stream.heartbeat();
    await cross(rig, 30_000, () => expect(stream.isSettled).toBe(false));
    expect(stream.streamEnd?.reason).toBe("inactivity");
  });
});

describe("an end by LiveKit", () => {
  const kicks: readonly (readonly [EndReason, StreamEnd["status"], string, (rig: Rig) => Promise<void>])[] = [
    ["participant_removed", "OK", "", (rig) => rig.rooms.removeParticipant("alice", bridgeIdentity("alice"))],
    ["room_deleted", "OK", "", (rig) => rig.rooms.deleteRoom("alice")],
    [
      "duplicate_identity",
      "OK",
      "",
      async ({ rooms }) => {
        const other = await rooms.join({ identity: bridgeIdentity("alice"), room: "alice" });
        await other.leave();
      },
    ],
    ["server_shutdown", "UNAVAILABLE", "connection_lost", async ({ rooms }) => rooms.shutdown()],
    [
      "connection_lost",
      "UNAVAILABLE",
      "connection_lost",
      async ({ rooms }) => rooms.dropTransport("alice", bridgeIdentity("alice"), { durationMs: 1, end: "lost" }),
    ],
  ];

  it.each(kicks)("for %s ends the stream %s, and nobody rejoins", async (reason, status, details, kick) => {
    const rig = await rigFor();
    const { stream } = await goLive(rig, "alice");
    await kick(rig);
    await rig.clock.advance(60_000);
    expect(stream.streamEnd).toEqual({ status, details, reason });
    expect(rig.calls.get("alice")).toHaveLength(1);
    expect(rig.status("alice").lastDisconnect?.reason).toBe(reason);
  });

  it("is connection_lost when the transport is not regained in 20 s; meanwhile nobody is told", async () => {
    const rig = await rigFor();
    const { stream } = await goLive(rig, "alice");
    rig.rooms.dropTransport("alice", bridgeIdentity("alice"), { durationMs: 60_000 });
    await rig.settle();
    expect(rig.status("alice").isConnected).toBe(false);
    expect(rig.play("alice").answer).toBe("FAILED_PRECONDITION LiveKit room not connected");
    await cross(rig, 20_000, () => expect(stream.isSettled).toBe(false));
    expect(stream.answer).toBe("UNAVAILABLE connection_lost");
  });

  it("is none when the transport is regained in time: audio that waited arrives", async () => {
    const rig = await rigFor();
    const { stream } = await goLive(rig, "alice");
    rig.rooms.dropTransport("alice", bridgeIdentity("alice"), { durationMs: 19_000 });
    await rig.talk("alice", 1);
    await rig.clock.advance(60_000);
    expect(stream.isSettled).toBe(false);
    expect(heard(stream)).toEqual([1]);
    expect(rig.status("alice").isConnected).toBe(true);
  });
});
