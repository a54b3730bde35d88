import { describe, expect, it } from "vitest";
import { bridgeIdentity } from "../models/rig.js";
import { cross, goLive, rigPerTest } from "../models/rig-per-test.js";

const rigFor = rigPerTest();
const ABANDONED = "failed to connect to room: ";

describe("a join", () => {
  it("is answered with the identity of its token and the participants of the room", async () => {
    const rig = await rigFor();
    await rig.phone("alice");
    const reply = await rig.join("alice");
    await rig.settle();
    expect(reply.success).toEqual({ participantId: "cloud-agent:alice", participantCount: 2, generation: 1 });
    expect(rig.status("alice").isConnected).toBe(true);
  });

  it("publishes nothing", async () => {
    const rig = await rigFor();
    const { stream } = await goLive(rig, "alice");
    stream.heartbeat();
    await rig.clock.advance(1000);
    expect(rig.engine.counts().tracks).toBe(0);
  });

  it("fails in-band, after 15 s, when the room cannot be reached", async () => {
    const rig = await rigFor();
    rig.rooms.faults.holdConnects();
    const reply = await rig.join("alice");
    await cross(rig, 15_000, () => expect(reply.isSettled).toBe(false));
    expect(reply.answer).toBe(`${ABANDONED}timed out`);
    expect(rig.status("alice").lastDisconnect?.reason).toBe("join_failed");
  });

  it("fails in-band and at once when the server refuses it", async () => {
    const rig = await rigFor();
    rig.rooms.faults.refuseConnects({}, "unauthorized");
    const reply = await rig.join("alice");
    await rig.settle();
    expect(reply.answer).toBe(`${ABANDONED}the server refused`);
    expect(rig.counts()).toMatchObject({ sessions: 0, closing: 0 });
  });

  it("is cancelled by a leave, and its late room is closed", async () => {
    const rig = await rigFor();
    const hold = rig.rooms.faults.holdConnects();
    const reply = await rig.join("alice");
    await rig.settle();
    const leave = rig.leave("alice");
    await rig.settle();
    expect(reply.answer).toBe(`${ABANDONED}cancelled by leave`);
    hold.lift();
    await rig.settle();
    expect(leave.answer).toBe("success");
    expect(rig.rooms.identities("alice")).toEqual([]);
    expect(rig.status("alice").lastDisconnect?.reason).toBe("left");
  });

  it("is given up when its caller cancels it, and its late room is closed", async () => {
    const rig = await rigFor();
    const hold = rig.rooms.faults.holdConnects();
    const reply = await rig.join("alice");
    await rig.settle();
    rig.cancelJoin("alice", reply);
    expect(rig.counts()).toMatchObject({ sessions: 0, closing: 1 });
    hold.lift();
    await rig.settle();
    expect(rig.counts()).toMatchObject({ sessions: 0, closing: 0 });
    expect(rig.rooms.identities("alice")).toEqual([]);
    expect(rig.recorder.count("joined")).toBe(0);
  });

  it("is not touched by the cancellation of an older join", async () => {
    const rig = await rigFor();
    const hold = rig.rooms.faults.holdConnects();
    const older = await rig.join("alice");
    const newer = await rig.join("alice");
    rig.cancelJoin("alice", older);
    await rig.settle();
    hold.lift();
    await rig.settle();
    expect([older.answer, newer.answer]).toEqual([`${ABANDONED}superseded by a newer join`, "success"]);
  });

  it("whose connect outlives it leaves no room when it succeeds after all", async () => {
    const rig = await rigFor();
    const hold = rig.rooms.faults.holdConnects({}, { timeoutMs: Number.POSITIVE_INFINITY });
    await rig.join("alice");
    await rig.clock.advance(60_000);
    expect(rig.counts()).toMatchObject({ sessions: 0, closing: 0 });
    expect(rig.engine.counts()).toMatchObject({ rooms: 0, connecting: 1 });
    hold.lift();
    await rig.settle();
    expect(rig.engine.counts()).toMatchObject({ rooms: 0, connecting: 0 });
  });
});

describe("replace on join", () => {
  it("ends the old stream OK before the new join is answered, and leaves one participant", async () => {
    const rig = await rigFor();
    const first = await goLive(rig, "alice");
    const second = await rig.join("alice");
    await rig.settle();
    expect(first.stream.streamEnd).toEqual({ status: "OK", details: "", reason: "replaced" });
    const order = rig.settlements.map(({ port }) => port);
    expect(order.indexOf(first.stream)).toBeLessThan(order.indexOf(second));
    expect(second.success?.generation).toBe(2);
    expect(rig.rooms.identities("alice")).toEqual([bridgeIdentity("alice")]);
    expect(rig.recorder.count("replacing")).toBe(1);
    expect(rig.counts()).toMatchObject({ sessions: 1, closing: 0, connected: 1 });
  });

  it("holds a hundred times in a row: one session, one room, one participant", async () => {
    const rig = await rigFor();
    const old = [];
    for (let round = 0; round < 100; round += 1) old.push(await goLive(rig, "alice"));
    const last = old.pop();
    expect(old.every(({ stream }) => stream.answer === "OK")).toBe(true);
    expect(last?.stream.isSettled).toBe(false);
    expect(rig.counts()).toMatchObject({ sessions: 1, closing: 0, streams: 1 });
    expect(rig.engine.counts().rooms).toBe(1);
    expect(rig.rooms.identities("alice")).toEqual([bridgeIdentity("alice")]);
  });

  it("of ten joins at once lets the last one win; the others read that they were superseded", async () => {
    const rig = await rigFor();
    const replies = await Promise.all(Array.from({ length: 10 }, () => rig.join("alice")));
    await rig.settle();
    const answers = replies.map(({ answer }) => answer);
    expect(answers.pop()).toBe("success");
    expect(new Set(answers)).toEqual(new Set([`${ABANDONED}superseded by a newer join`]));
    expect(rig.engine.counts()).toMatchObject({ rooms: 1, connecting: 0 });
    expect(rig.counts()).toMatchObject({ sessions: 1, closing: 0 });
  });

  it("connects when the old room is left", async () => {
    const rig = await rigFor();
    await goLive(rig, "alice");
    const hang = rig.rooms.faults.hangCloses();
    const second = await rig.join("alice");
    await rig.clock.advance(700);
    expect(second.isSettled).toBe(false);
    hang.lift();
    await rig.settle();
    expect(second.answer).toBe("success");
  });

  it("connects after 2 s when the old room is not left by then", async () => {
    const rig = await rigFor();
    await goLive(rig, "alice");
    rig.rooms.faults.hangCloses();
    const second = await rig.join("alice");
    await cross(rig, 2000, () => expect(rig.calls.get("alice")).toHaveLength(1));
    expect(second.answer).toBe("success");
    expect(rig.rooms.identities("alice")).toEqual([bridgeIdentity("alice")]);
  });

  it("waits for all older sessions of the user, not for the last one only", async () => {
    const rig = await rigFor();
    await goLive(rig, "alice");
    const hang = rig.rooms.faults.hangCloses();
    await rig.join("alice");
    const third = await rig.join("alice");
    await rig.clock.advance(500);
    expect(rig.counts()).toMatchObject({ sessions: 1, closing: 1 });
    expect(third.isSettled).toBe(false);
    hang.lift();
    await rig.settle();
    expect(third.answer).toBe("success");
  });

  it("is never refused for capacity, while another user's join is", async () => {
    const rig = await rigFor({ env: { BRIDGE_SESSIONS_MAX: "1" } });
    await goLive(rig, "alice");
    const other = await rig.join("bob");
    const again = await rig.join("alice");
    await rig.settle();
    expect(other.answer).toMatch(/^RESOURCE_EXHAUSTED /);
    expect(again.answer).toBe("success");
  });
});
