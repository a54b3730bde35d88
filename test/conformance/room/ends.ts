import { expect, test } from "vitest";
import { TrackPublishError, type RoomEndReason } from "../../../src/livekit/room.js";
import { bytes, eventually, known, type Stage } from "./stage.js";

const NOTHING_LEFT = { rooms: 0, connecting: 0, tracks: 0 };
const SILENT_TRACK = [{ sampleRateHz: 48_000, channels: 1 } as const, { read: () => 0 }] as const;

type End = [title: string, reason: RoomEndReason, cause: (stage: Stage, room: string) => Promise<unknown>];

const ENDS: End[] = [
  ["removed by the server", "participant_removed", (stage, room) => stage.harness.removeParticipant(room, "bridge")],
  ["in a room that is deleted", "room_deleted", (stage, room) => stage.harness.deleteRoom(room)],
  ["superseded by a newer one of its identity", "duplicate_identity", (stage, room) => stage.join("bridge", room)],
];

export function describeEnds(stage: () => Stage): void {
  test.each(ENDS)("one that is %s ends once, as %s, and nothing of it is left", async (_title, reason, cause) => {
    const name = stage().freshRoom();
    const bridge = await stage().connect("bridge", name);
    const track = await bridge.room.publishTrack("speaker", ...SILENT_TRACK);
    await cause(stage(), name);
    await eventually(() => expect(bridge.heard.ended).toEqual([reason]));
    expect(stage().harness.engine.counts()).toEqual(NOTHING_LEFT);

    const late = await bridge.room.publishTrack("late", ...SILENT_TRACK).catch((error: unknown) => error);
    expect(late).toBeInstanceOf(TrackPublishError);
    expect(late).toMatchObject({ code: "room_ended" });
    track.wake();
    await track.close();
    await bridge.room.close();
    expect(stage().harness.engine.counts()).toEqual(NOTHING_LEFT);

    // Whatever happens in that room from now on, the one that ended hears nothing of it.
    const calls = bridge.heard.calls;
    const next = await stage().connect("next", name);
    const phone = await stage().join("phone", name);
    await phone.publishData(bytes(1));
    await eventually(() => expect(next.heard.packets).toHaveLength(1));
    expect(bridge.heard.calls).toBe(calls);
    expect(bridge.heard.ended).toEqual([reason]);
  });

  test("a newer one of the same identity through the same engine lives on when the older has ended", async () => {
    const name = stage().freshRoom();
    const older = await stage().connect("bridge", name);
    const newer = await stage().connect("bridge", name);
    await eventually(() => expect(older.heard.ended).toEqual(["duplicate_identity"]));
    await older.room.close();
    const phone = await stage().join("phone", name);
    await phone.publishData(bytes(1));
    await eventually(() => expect(newer.heard.packets).toHaveLength(1));
    expect(newer.heard.ended).toEqual([]);
    expect(stage().harness.engine.counts().rooms).toBe(1);
  });

  test("close leaves, every call with the same promise, and is followed by silence", async () => {
    const name = stage().freshRoom();
    const bridge = await stage().connect("bridge", name);
    const watcher = await stage().connect("watcher", name);
    const phone = await stage().join("phone", name);
    await known(watcher, "bridge");
    await bridge.room.publishTrack("speaker", ...SILENT_TRACK);
    const closing = bridge.room.close();
    expect(bridge.room.close()).toBe(closing);
    await closing;
    const calls = bridge.heard.calls;
    expect(stage().harness.engine.counts()).toEqual({ rooms: 1, connecting: 0, tracks: 0 });
    await eventually(() => expect(watcher.heard.left).toEqual(["bridge"]));
    await eventually(async () => expect(await stage().harness.identities(name)).not.toContain("bridge"));
    await phone.publishData(bytes(1));
    await eventually(() => expect(watcher.heard.packets).toHaveLength(1));
    expect(bridge.heard.calls).toBe(calls);
    expect(bridge.heard.ended).toEqual([]);
    await expect(bridge.room.publishTrack("late", ...SILENT_TRACK)).rejects.toMatchObject({ code: "room_ended" });
  });

  test("30 times in and out leave nothing", async () => {
    const name = stage().freshRoom();
    for (let cycle = 0; cycle < 30; cycle++) {
      const { room } = await stage().connect("bridge", name);
      await room.close();
      expect(stage().harness.engine.counts()).toEqual(NOTHING_LEFT);
    }
    await eventually(async () => expect(await stage().harness.identities(name)).toEqual([]));
  });
}
