// A playback that crashes is no more than a playback that failed: its caller reads so, its sound ends, and nothing else of
// the session notices.

import { describe, expect, it } from "vitest";
import type { PlaybackBreakage } from "../models/playback-ports.js";
import { bridgeIdentity, numberOf } from "../models/rig.js";
import { goLive, muteStoppedActors, rigPerTest } from "../models/rig-per-test.js";
import { namedParts, sabotage } from "../models/sabotage.js";

muteStoppedActors();

const rigFor = rigPerTest();
const CRASHES: readonly PlaybackBreakage[] = ["player", "started", "describe", "complete", "fail"];

describe.each(CRASHES)("a playback whose `%s` throws", (part) => {
  async function crashOne() {
    const rig = await rigFor();
    const { stream } = await goLive(rig, "alice");
    const other = rig.play("alice");
    const broken = rig.play("alice", {}, part);
    broken.open();
    if (part === "complete") broken.finish();
    if (part === "fail") broken.failing();
    await rig.settle();
    return { rig, stream, other, broken };
  }

  it("ends FAILED with an internal error, and its player is stopped", async () => {
    const { broken } = await crashOne();
    expect(broken.answer).toBe("INTERNAL internal error");
    expect(broken.events.at(-1)).toBe("FAILED");
    expect(broken.hasPlayer).toBe(false);
  });

  it("is told, and counted as requested and as failed", async () => {
    const { rig } = await crashOne();
    expect(rig.recorder.count("crashed", "alice")).toBe(1);
    expect(rig.recorder.count("playbackRequested")).toBe(2);
    expect(rig.recorder.seen.filter(({ what }) => what === "playbackEnded")).toMatchObject([{ detail: "INTERNAL" }]);
  });

  it("changes nothing for the microphone, the other playbacks and those to come", async () => {
    const { rig, stream, other } = await crashOne();
    await rig.talk("alice", 1, 2);
    expect(stream.received.map(numberOf)).toEqual([1, 2]);
    expect([other.isSettled, other.hasPlayer, rig.counts().playbacks]).toEqual([false, true, 1]);
    const next = rig.play("alice");
    next.finish();
    other.finish();
    await rig.settle();
    expect([next.answer, other.answer, rig.counts().playbacks]).toEqual(["COMPLETED", "COMPLETED", 0]);
    expect(stream.isSettled).toBe(false);
  });
});

describe("a throw in the", () => {
  it.each(namedParts("playback"))("%s machine, in its %s `%s`: the session goes on", async (...part) => {
    const broken = sabotage("alice", part);
    const rig = await rigFor({ session: broken.apply });
    const { stream } = await goLive(rig, "alice");
    const plays = [];
    for (const ending of ["finish", "failing", "crash", "player"] as const) {
      const playback = rig.play("alice", {}, ending === "player" ? "player" : undefined);
      plays.push(playback);
      if (ending === "crash" || ending === "player") playback.crash();
      else playback.open();
      playback.begin();
      if (ending === "finish" || ending === "failing") playback[ending]();
      await rig.settle();
      if (broken.throws > 0) break;
    }
    expect(broken.throws).toBeGreaterThan(0);
    const last = plays.at(-1);
    expect([last?.isSettled, last?.hasPlayer]).toEqual([true, false]);
    expect(rig.recorder.count("crashed", "alice")).toBeGreaterThan(0);
    expect(rig.counts()).toMatchObject({ sessions: 1, streams: 1, connected: 1, playbacks: 0 });
    await rig.talk("alice", 1, 2);
    expect(stream.received.map(numberOf)).toEqual([1, 2]);
  });
});

describe("a playback that crashes because its session ends", () => {
  it("does not keep the session from leaving its room in order", async () => {
    const rig = await rigFor();
    await goLive(rig, "alice");
    const broken = rig.play("alice", {}, "fail");
    const hang = rig.rooms.faults.hangCloses();
    const leave = rig.leave("alice");
    await rig.settle();
    expect([broken.answer, broken.hasPlayer, leave.isSettled]).toEqual(["INTERNAL internal error", false, false]);
    expect(rig.counts()).toMatchObject({ sessions: 0, closing: 1 });
    hang.lift();
    await rig.settle();
    expect(leave.answer).toBe("success");
    expect(rig.status("alice").lastDisconnect?.reason).toBe("left");
    expect(rig.recorder.count("closed", "alice")).toBe(1);
  });

  it("does not let a replacing join into the room before the old session has left it", async () => {
    const rig = await rigFor();
    await goLive(rig, "alice");
    rig.play("alice", {}, "fail");
    const hang = rig.rooms.faults.hangCloses({ identity: bridgeIdentity("alice") });
    const second = await rig.join("alice");
    await rig.settle();
    expect([second.isSettled, rig.calls.get("alice")?.length]).toEqual([false, 1]);
    hang.lift();
    await rig.settle();
    expect(second.answer).toBe("success");
  });
});
