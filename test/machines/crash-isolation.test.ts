// Whatever breaks in one session, in whatever named part, the others must not notice: their audio flows, the broken
// session's room is left, everybody it owed an answer gets one, and its user may join again.

import { describe, expect, it } from "vitest";
import { SessionMedia } from "../../src/audio/session-media.js";
import { EPISODES } from "../models/episodes.js";
import type { Stage } from "../models/episodes.js";
import type { FakeStreamPort } from "../models/ports.js";
import { bridgeIdentity, numberOf } from "../models/rig.js";
import type { Rig, RigOptions } from "../models/rig.js";
import { goLive, muteStoppedActors, rigPerTest } from "../models/rig-per-test.js";
import { namedParts, sabotage } from "../models/sabotage.js";

muteStoppedActors();

const rigFor = rigPerTest();
const VICTIM = "victim";
const BYSTANDER = "bystander";

/** Sends the bystander one packet more, and expects that it has got all of them. */
async function expectAudioFlows(rig: Rig, stream: FakeStreamPort): Promise<void> {
  const next = stream.received.length + 1;
  await rig.talk(BYSTANDER, next);
  expect(stream.received.map(numberOf)).toEqual(Array.from({ length: next }, (_, index) => index + 1));
}

async function expectIsolation({ rig, user, owed }: Stage, bystander: FakeStreamPort): Promise<void> {
  await expectAudioFlows(rig, bystander);
  await rig.clock.advance(2000);
  expect(rig.rooms.identities(user)).not.toContain(bridgeIdentity(user));
  expect(rig.engine.counts()).toMatchObject({ rooms: 1, connecting: 0 });
  expect(owed.filter(({ isSettled }) => !isSettled)).toEqual([]);
  expect(rig.recorder.count("crashed", user)).toBeGreaterThan(0);
  expect(rig.recorder.count("crashed", BYSTANDER)).toBe(0);
  expect(rig.failures).toEqual([]);
  expect(rig.supervisor.getSnapshot().status).toBe("active");
  expect(rig.counts()).toMatchObject({ sessions: 1, closing: 0, streams: 1 });
  await goLive(rig, user);
  await expectAudioFlows(rig, bystander);
  expect(bystander.isSettled).toBe(false);
}

const PARTS = [...namedParts("session"), ...namedParts("playback")];

describe("a throw in the machine of a", () => {
  it("session or a playback is found by name: no part is left out", () => {
    expect(namedParts("session").length).toBeGreaterThan(50);
    expect(namedParts("playback").length).toBeGreaterThan(10);
  });

  it.each(PARTS)("%s, in its %s `%s`, harms nobody else", async (...part) => {
    const broken = sabotage(VICTIM, part);
    const rig = await rigFor({ session: broken.apply });
    const { stream } = await goLive(rig, BYSTANDER);
    const stage: Stage = { rig, user: VICTIM, owed: [] };
    for (const episode of Object.values(EPISODES)) {
      await episode(stage);
      if (broken.throws > 0) break;
      await expectAudioFlows(rig, stream);
    }
    expect(broken.throws).toBeGreaterThan(0);
    broken.isOn = false;
    if (rig.supervisor.getSnapshot().status === "active") {
      // A part whose failure does not end the session, such as a playback: its user leaves as on any day.
      rig.leave(VICTIM);
      await rig.settle();
      await expectIsolation(stage, stream);
    } else {
      // It takes a drain to use this part, and a drain ends the bystander as well.
      expect(stream.answer).toBe("UNAVAILABLE draining");
      expect(stage.owed.filter(({ isSettled }) => !isSettled)).toEqual([]);
      expect(rig.recorder.count("crashed", VICTIM)).toBeGreaterThan(0);
    }
  });
});

describe("a throw in the victim's", () => {
  const broken = () => {
    throw new Error("this part is broken");
  };

  async function stageFor(options: RigOptions = {}) {
    const rig = await rigFor(options);
    const { stream: bystander } = await goLive(rig, BYSTANDER);
    return { stage: { rig, user: VICTIM, owed: [] as Stage["owed"] }, bystander, rig };
  }

  it.each(["packet", "participantJoined", "participantLeft", "reconnecting", "attach", "detach", "close"] as const)(
    "media, when it is told `%s`",
    async (method) => {
      let isBroken = true;
      const { stage, bystander, rig } = await stageFor({
        createMedia(options, user) {
          const media = new SessionMedia(options);
          if (user === VICTIM && isBroken) media[method] = broken;
          return media;
        },
      });
      await EPISODES["loses its transport for a while"]?.(stage);
      await rig.talk(VICTIM, 1);
      await (await rig.phone(VICTIM)).leave();
      await rig.settle();
      stage.owed.push(rig.leave(VICTIM));
      await rig.settle();
      isBroken = false;
      await expectIsolation(stage, bystander);
    },
  );

  it("media, when it is made", async () => {
    let isBroken = true;
    const { stage, bystander, rig } = await stageFor({
      createMedia: (options, user) => (user === VICTIM && isBroken ? broken() : new SessionMedia(options)),
    });
    const reply = await rig.join(VICTIM);
    stage.owed.push(reply);
    await rig.settle();
    expect(reply.answer).toMatch(/^failed to connect to room: /);
    isBroken = false;
    await expectIsolation(stage, bystander);
  });

  it.each(["connect", "write", "end"] as const)("stream port, in `%s`", async (method) => {
    const { stage, bystander, rig } = await stageFor();
    const hold = rig.rooms.faults.holdConnects({ identity: bridgeIdentity(VICTIM) });
    stage.owed.push(await rig.join(VICTIM));
    const port = rig.open(VICTIM);
    stage.owed.push(port);
    port.broken = method;
    hold.lift();
    await rig.settle();
    await rig.talk(VICTIM, 1);
    stage.owed.push(rig.leave(VICTIM));
    await rig.settle();
    await expectIsolation(stage, bystander);
  });

  it("join reply, when it is answered", async () => {
    const { stage, bystander, rig } = await stageFor();
    const hold = rig.rooms.faults.holdConnects({ identity: bridgeIdentity(VICTIM) });
    const reply = await rig.join(VICTIM);
    reply.succeed = broken;
    stage.owed.push(reply);
    hold.lift();
    await rig.settle();
    await expectIsolation(stage, bystander);
  });

  it("leave reply, when it is answered", async () => {
    const { stage, bystander, rig } = await stageFor();
    await goLive(rig, VICTIM);
    const hang = rig.rooms.faults.hangCloses({ identity: bridgeIdentity(VICTIM) });
    const reply = rig.leave(VICTIM);
    reply.succeed = broken;
    stage.owed.push(reply);
    hang.lift();
    await rig.settle();
    await expectIsolation(stage, bystander);
  });

  it("refused calls leaves the supervisor alive", async () => {
    const { bystander, rig } = await stageFor({ env: { BRIDGE_SESSIONS_MAX: "1" } });
    const request = { userId: VICTIM, roomName: "", token: "", url: "", targetIdentity: "" };
    const port = { isSettled: false, abandon: broken, succeed: broken, fail: broken, refuse: broken };
    const stream = {
      ...port,
      attachment: 0,
      isGone: false,
      activity: { lastAtMs: 0, heartbeats: 0, isHeld: false },
      connect: broken,
    };
    rig.supervisor.send({ type: "session.join", request, reply: port });
    rig.supervisor.send({ type: "session.leave", userId: VICTIM, reason: "", reply: port });
    rig.supervisor.send({
      type: "stream.open",
      userId: VICTIM,
      port: { ...stream, write: broken, resume: broken, end: broken },
    });
    const play = { requestId: "", url: "", volume: 1, stopOther: false, trackId: 0 };
    rig.supervisor.send({
      type: "playback.request",
      userId: VICTIM,
      port: { ...port, request: play, started: broken, describe: broken, progress: broken, complete: broken },
    });
    const stop = { requestId: "", trackId: undefined, reason: "", reply: port };
    rig.supervisor.send({ type: "playback.stop", userId: VICTIM, ...stop });
    await expectAudioFlows(rig, bystander);
    expect(rig.failures).toEqual([]);
  });
});
