import { describe, expect, it } from "vitest";
import { createSessionScope } from "../../src/actors/session-scope.js";
import { FakeLeaveReply, FakeStreamPort } from "../models/ports.js";
import { reportOf } from "../models/rig.js";
import { cross, goLive, rigPerTest } from "../models/rig-per-test.js";

const rigFor = rigPerTest();

describe("the supervisor", () => {
  it("ignores the report of an old generation: the new one stays current and connected", async () => {
    const rig = await rigFor();
    await goLive(rig, "alice");
    const { stream } = await goLive(rig, "alice");
    rig.supervisor.send(reportOf("alice", 1, "zombie", rig.clock.wallNow()));
    await rig.settle();
    expect(rig.status("alice")).toMatchObject({ isConnected: true });
    expect(rig.counts()).toMatchObject({ sessions: 1, streams: 1 });
    expect(stream.isSettled).toBe(false);
  });

  it("hears nothing of an old generation's room", async () => {
    const rig = await rigFor();
    await goLive(rig, "alice");
    const { stream } = await goLive(rig, "alice");
    const listener = rig.calls.get("alice")?.[0]?.listener;
    listener?.packet({ payload: new Uint8Array(640), senderIdentity: "alice", topic: undefined, isReliable: true });
    listener?.reconnecting();
    listener?.ended("participant_removed");
    await rig.clock.advance(60_000);
    expect(stream.isSettled).toBe(false);
    expect(stream.received).toEqual([]);
    expect(rig.status("alice").isConnected).toBe(true);
  });

  it("remembers how a user's last session ended, for an hour", async () => {
    const rig = await rigFor();
    await goLive(rig, "alice");
    const atMs = rig.clock.wallNow();
    rig.leave("alice");
    await cross(rig, 3_600_001, () => {
      expect(rig.status("alice").lastDisconnect).toEqual({ generation: 1, reason: "left", atMs });
    });
    expect(rig.status("alice").lastDisconnect).toBeUndefined();
  });

  it("counts sessions and streams of all users", async () => {
    const rig = await rigFor();
    for (const user of ["alice", "bob", "carol"]) await goLive(rig, user);
    rig.rooms.faults.hangCloses({ room: "carol" });
    rig.leave("carol");
    await rig.settle();
    const { sessions, closing, streams, connected } = rig.counts();
    expect({ sessions, closing, streams, connected }).toEqual({ sessions: 2, closing: 1, streams: 2, connected: 2 });
  });

  it("keeps nothing of 300 sessions: no child, no memory of an id, no timer, no room", async () => {
    // XState remembers every type of event that it has heard, for ever, and a child's id is part of some.
    const types = new Set<string>();
    const rig = await rigFor({
      inspect: (event) => {
        if (event.type === "@xstate.event") types.add(event.event.type);
      },
    });
    let typesAfterTen = 0;
    for (let cycle = 0; cycle < 300; cycle += 1) {
      const user = `user-${cycle}`;
      const { stream } = await goLive(rig, user);
      rig.leave(user);
      await rig.settle();
      expect(stream.isSettled).toBe(true);
      if (cycle === 10) typesAfterTen = types.size;
    }
    expect(types.size).toBe(typesAfterTen);
    const { children, context } = rig.supervisor.getSnapshot();
    expect(Object.keys(children)).toEqual([]);
    expect(context.sessions.size + context.current.size).toBe(0);
    expect(rig.clock.pending).toBe(0);
    expect(rig.engine.counts()).toEqual({ rooms: 0, connecting: 0, tracks: 0 });
  });
});

describe("a leave", () => {
  it("of an unknown user fails", async () => {
    const rig = await rigFor();
    expect(rig.leave("nobody").answer).toBe("session not found");
  });

  it("ends the stream OK, before it is answered", async () => {
    const rig = await rigFor();
    const { stream } = await goLive(rig, "alice");
    const leave = rig.leave("alice");
    await rig.settle();
    expect(rig.settlements.slice(-2).map(({ port }) => port)).toEqual([stream, leave]);
    expect(stream.streamEnd).toEqual({ status: "OK", details: "", reason: "left" });
    expect(leave.answer).toBe("success");
  });

  it("is answered within 2 s when the room hangs, and the user's next join waits at most 2 s more", async () => {
    const rig = await rigFor();
    await goLive(rig, "alice");
    rig.rooms.faults.hangCloses();
    const leave = rig.leave("alice");
    await rig.clock.advance(2000);
    expect(leave.answer).toBe("success");
    const join = await rig.join("alice");
    await rig.clock.advance(1999);
    expect(join.isSettled).toBe(false);
    await rig.clock.advance(1);
    expect(join.answer).toBe("success");
  });
});

describe("a drain", () => {
  it("refuses joins, leaves the rooms, and then ends all streams together", async () => {
    const rig = await rigFor();
    const alice = await goLive(rig, "alice");
    const bob = await goLive(rig, "bob");
    rig.rooms.faults.hangCloses({ room: "bob" }, { forMs: 1200 });
    rig.drain();
    const late = await rig.join("carol");
    await cross(rig, 1200, () => {
      expect(late.answer).toBe("UNAVAILABLE draining");
      expect(rig.rooms.roomNames).toEqual(["bob"]);
      expect([alice.stream.isSettled, bob.stream.isSettled]).toEqual([false, false]);
    });
    expect(rig.rooms.roomNames).toEqual([]);
    expect(alice.stream.streamEnd).toEqual({ status: "UNAVAILABLE", details: "draining", reason: "drain" });
    expect(bob.stream.streamEnd).toEqual(alice.stream.streamEnd);
    expect(alice.stream.answeredAtMs).toBe(bob.stream.answeredAtMs);
    expect(rig.supervisor.getSnapshot().status).toBe("done");
  });

  it("ends at once when there is nobody", async () => {
    const rig = await rigFor();
    rig.drain();
    expect(rig.supervisor.getSnapshot().status).toBe("done");
  });

  it("takes less than 10 s when every room hangs", async () => {
    const rig = await rigFor();
    const users = [];
    for (const user of ["alice", "bob", "carol"]) users.push(await goLive(rig, user));
    rig.rooms.faults.hangCloses({}, { forMs: 60_000 });
    rig.drain();
    await rig.clock.advance(9999);
    expect(users.map(({ stream }) => stream.answer)).toEqual(Array(3).fill("UNAVAILABLE draining"));
    expect(rig.supervisor.getSnapshot().status).toBe("done");
  });

  it("answers joins that are pending, and ends the streams that wait for them", async () => {
    const rig = await rigFor();
    rig.rooms.faults.holdConnects();
    const join = await rig.join("alice");
    const stream = rig.open("alice");
    rig.drain();
    await rig.clock.advance(10_000);
    expect(join.answer).toBe("UNAVAILABLE draining");
    expect(stream.answer).toBe("UNAVAILABLE draining");
  });

  it("finds a leaving session closed as any other", async () => {
    const rig = await rigFor();
    const { stream } = await goLive(rig, "alice");
    rig.rooms.faults.hangCloses({}, { forMs: 1000 });
    const leave = rig.leave("alice");
    rig.drain();
    await rig.clock.advance(1000);
    expect([stream.answer, leave.answer]).toEqual(["OK", "success"]);
    expect(rig.supervisor.getSnapshot().status).toBe("done");
  });
});

describe("a session's scope", () => {
  it("answers whoever is still owed an answer, whatever the others do", async () => {
    const rig = await rigFor();
    const scope = createSessionScope();
    const broken = {
      isSettled: false,
      abandon(): void {
        throw new Error("this port breaks its promise");
      },
    };
    const stream = new FakeStreamPort(rig, "stream", false);
    for (const port of [broken, stream]) scope.own(port);
    scope.abort();
    expect(stream.answer).toBe("INTERNAL internal error");
  });

  it("answers at once whoever comes after its end", async () => {
    const rig = await rigFor();
    const scope = createSessionScope();
    scope.abort();
    const reply = new FakeLeaveReply(rig, "leave");
    scope.own(reply);
    expect(reply.isSettled).toBe(true);
  });
});
