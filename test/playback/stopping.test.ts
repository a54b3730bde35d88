import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { frequencyOf } from "../support/tone.js";
import { CODE, expectOneEnd, sleep, useScene } from "./scene.js";
import type { Scene } from "./scene.js";

const NOTHING = { success: true, error: "", stopped_request_id: "" };

describe("StopAudio", () => {
  let scene: Scene;
  let long: string;
  useScene((fresh) => {
    scene = fresh;
    long = scene.tone(440, 5000);
  });

  const stopped = (id: string) => ({ ...NOTHING, stopped_request_id: id });

  test("as an old client sends it, without a track, stops everything", async () => {
    const plays = await Promise.all(
      [0, 1, 2].map((track_id) => scene.playing(long, { track_id, request_id: `p${track_id}` })),
    );
    const { stopped_request_id: ids } = await scene.stop({ reason: "the user spoke" });
    expect(ids.split(",").toSorted()).toEqual(["p0", "p1", "p2"]);
    for (const [index, play] of plays.entries()) {
      expect(await play.ended).toMatchObject({ code: CODE.CANCELLED, details: "stopped: the user spoke" });
      expect(play.events.at(-1)).toMatchObject({ type: "FAILED", error: "stopped: the user spoke" });
      expectOneEnd(play, `p${index}`);
    }
  });

  test("of track -1 stops everything, too", async () => {
    const plays = await Promise.all([0, 1].map((track_id) => scene.playing(long, { track_id })));
    expect((await scene.stop({ track_id: -1 })).stopped_request_id.split(",").length).toBe(2);
    await Promise.all(plays.map(({ ended }) => ended));
  });

  test("of a track stops that one, track 0 included; the others play on", async () => {
    const speaker = await scene.playing(long, { track_id: 0, request_id: "speaker" });
    const tts = await scene.playing(scene.tone(880, 600), { track_id: 2, request_id: "tts" });
    expect(await scene.stop({ track_id: 0 })).toEqual(stopped("speaker"));
    expect((await speaker.ended).code).toBe(CODE.CANCELLED);
    expect((await tts.ended).code).toBe(CODE.OK);
    expect(frequencyOf(scene.soundOn("tts"))).toBeCloseTo(880, -1);
    expect(await scene.stop({ track_id: 7 })).toEqual(NOTHING);
  });

  test("of a request id stops that playback, whatever track is said beside it", async () => {
    const one = await scene.playing(long, { track_id: 0, request_id: "one" });
    const two = await scene.playing(long, { track_id: 1, request_id: "two" });
    expect(await scene.stop({ request_id: "two", track_id: 0 })).toEqual(stopped("two"));
    expect((await two.ended).code).toBe(CODE.CANCELLED);
    expect(one.types()).not.toContain("FAILED");
    expect(await scene.stop({ request_id: "one" })).toEqual(stopped("one"));
    await one.ended;
  });

  test("of an unknown id stops nothing and succeeds; of an unknown user it fails in-band", async () => {
    const play = await scene.playing(long);
    expect(await scene.stop({ request_id: "unknown" })).toEqual(NOTHING);
    expect(play.types()).not.toContain("FAILED");
    const failed = { success: false, error: "session not found", stopped_request_id: "" };
    expect(await scene.stop({ user_id: "nobody" })).toEqual(failed);
    expect(await scene.stop({ user_id: "" })).toEqual(failed);
    await scene.stop();
    await play.ended;
  });

  test("twice names what stopped only once", async () => {
    const play = await scene.playing(long, { request_id: "once" });
    const answers = await Promise.all([scene.stop(), scene.stop()]);
    expect(answers.map(({ stopped_request_id }) => stopped_request_id).toSorted()).toEqual(["", "once"]);
    await play.ended;
    expectOneEnd(play, "once");
    expect(await scene.stop({ request_id: "once" })).toEqual(NOTHING);
  });

  test("after COMPLETED stops nothing", async () => {
    const play = scene.play(scene.tone(440, 50), { request_id: "done" });
    await play.ended;
    expect(await scene.stop({ request_id: "done" })).toEqual(NOTHING);
    expectOneEnd(play, "done");
  });

  test("before the first sound ends the download within a second; nothing is heard later", async () => {
    const play = scene.play(scene.silentServer(), { request_id: "early" });
    await eventually("the request", () => scene.web.open === 1);
    expect(await scene.stop()).toEqual(stopped("early"));
    await eventually("the server's socket closed", () => scene.web.open === 0, 1000);
    expect((await play.ended).code).toBe(CODE.CANCELLED);
    expect(play.types()).toBe("STARTED FAILED");
    expect(scene.heard.size).toBe(0);
  });

  test("in the very moment of the request still leaves one end", async () => {
    const plays = Array.from({ length: 20 }, (_, i) => {
      const play = scene.play(long, { request_id: `moment-${i}`, track_id: i % 4 });
      return { play, stop: scene.stop(i % 2 === 0 ? {} : { request_id: `moment-${i}` }) };
    });
    await Promise.all(plays.map(({ stop }) => stop));
    await scene.stop();
    for (const [index, { play }] of plays.entries()) {
      await play.ended;
      const ends = play.events.filter(({ type }) => type === "FAILED" || type === "COMPLETED");
      expect([index, ends.length]).toEqual([index, 1]);
    }
  });

  test("is silence from its answer on, within 100 ms, and the next play is heard", async () => {
    for (const how of [{}, { track_id: 0 }, { request_id: "loud" }]) {
      const play = await scene.playing(long, { request_id: "loud" });
      await sleep(100);
      const askedMs = performance.now();
      await scene.stop(how);
      const answeredMs = performance.now();
      await play.ended;
      await sleep(200);
      expect(scene.audibleSince(answeredMs)).toBe(0);
      expect(answeredMs - askedMs).toBeLessThan(100);
    }
    scene.heard.clear();
    expect((await scene.play(scene.tone(1000, 200)).ended).code).toBe(CODE.OK);
    expect(scene.soundOn("speaker").length / 48).toBeCloseTo(200, -1);
  });

  test("on a session that is still joining stops nothing and succeeds", async () => {
    const hold = scene.harness.rooms.faults.holdConnects({ room: "bob" }, { isAbortable: true });
    const joining = scene.harness.client.join(await scene.harness.params("bob"));
    await eventually("bob's join", () => hold.caught === 1);
    expect(await scene.stop({ user_id: "bob" })).toEqual(NOTHING);
    hold.lift();
    await joining;
  });
});
