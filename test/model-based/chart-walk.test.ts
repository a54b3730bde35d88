// Every state and every transition of all charts, walked on real actors. The walks come from the model of the contract and
// not from the charts: a chart that lost a transition would not lose the walk. What only a broken part can bring about is
// brought about one by one below.

import { fromCallback } from "xstate";
import { afterAll, describe, expect, it } from "vitest";
import { playbackMachine } from "../../src/machines/playback.js";
import { sessionMachine } from "../../src/machines/session.js";
import { supervisorMachine } from "../../src/machines/supervisor.js";
import { BridgeModel } from "../models/bridge-model.js";
import { coverChart } from "../models/chart-coverage.js";
import * as cloud from "../models/cloud-steps.js";
import * as network from "../models/network-steps.js";
import * as plays from "../models/playback-steps.js";
import type { Rig, RigOptions, SessionLogic } from "../models/rig.js";
import { createRig } from "../models/rig.js";
import { cross, expectNothingLeft, goLive, muteStoppedActors } from "../models/rig-per-test.js";
import { sabotage } from "../models/sabotage.js";
import type { Step } from "../models/step.js";
import { runStep } from "../models/step.js";
import { planTours } from "../models/tours.js";
import { World } from "../models/world.js";

muteStoppedActors();

const charts = [sessionMachine, supervisorMachine, playbackMachine].map(coverChart);
const inspect: NonNullable<RigOptions["inspect"]> = (event) => {
  for (const chart of charts) chart.observe(event);
};

const USER = "alice";
const LIMITS = { sessionsMax: 1, playbacksMax: 2 };
const ENV = { BRIDGE_SESSIONS_MAX: "1", BRIDGE_PLAYBACKS_MAX: "2" };

/** Somebody else, while the bridge is full. */
const joinWhenFull: Step = { ...cloud.join("bob"), isPossible: (model) => model.current.has(USER) };

const besideOld = [
  network.nextLimit,
  network.releaseConnects(USER),
  network.releaseCloses(USER),
  cloud.openStream(USER, false),
  cloud.cancelJoin(USER),
  cloud.leave(USER),
];

const plan = planTours({
  limits: LIMITS,
  stepsPerTourMax: 80,
  stepsBesideOld: [...besideOld, cloud.drain],
  steps: [
    cloud.join(USER),
    cloud.joinBroken(USER),
    cloud.joinRefused(USER),
    joinWhenFull,
    cloud.cancelJoin(USER),
    cloud.leave(USER),
    cloud.openStream(USER, false),
    cloud.openBrokenStream(USER),
    cloud.endStream(USER, "halfClosed"),
    cloud.endStream(USER, "cancelled"),
    plays.play(USER),
    plays.endPlayback(USER, "completed"),
    network.kick(USER, "participant_removed"),
    network.holdConnects(USER),
    network.releaseConnects(USER),
    network.hangCloses(USER),
    network.releaseCloses(USER),
    network.dropTransport(USER, 7_003, false),
    network.dropTransport(USER, 60_013, false),
    network.fault(USER),
    network.lateReport(USER),
    cloud.lateCalls(USER),
    network.nextLimit,
    cloud.drain,
  ],
});
/** Streams that stall, and what comes too late, on top of a life that is otherwise calm. */
const calmPlan = planTours({
  limits: LIMITS,
  stepsPerTourMax: 80,
  stepsBesideOld: besideOld,
  steps: [
    cloud.join(USER),
    cloud.leave(USER),
    cloud.openStream(USER, true),
    cloud.endStream(USER, "halfClosed"),
    cloud.endStream(USER, "invalid"),
    cloud.stall(USER),
    cloud.unstall(USER),
    cloud.heartbeat(USER),
    network.talk(USER, 1),
    network.lateStream(USER, "cancelled"),
    network.lateStream(USER, "halfClosed"),
    network.lateRoom(USER, "ended"),
    network.kick(USER, "duplicate_identity"),
    network.nextLimit,
    network.wait(30_011),
  ],
});

/** Playbacks in all their ways, in a life whose stream is calm. */
const playPlan = planTours({
  limits: LIMITS,
  stepsPerTourMax: 80,
  stepsBesideOld: [],
  steps: [
    cloud.join(USER),
    network.holdConnects(USER),
    network.releaseConnects(USER),
    cloud.leave(USER),
    plays.play(USER),
    plays.playOver(USER),
    plays.playAgain(USER),
    plays.playInstead(USER),
    plays.playBroken(USER),
    plays.playUnheard(USER),
    plays.openFile(USER),
    plays.beginSound(USER),
    plays.endPlayback(USER, "completed"),
    plays.endPlayback(USER, "failed"),
    plays.endPlayback(USER, "crashed"),
    plays.leaveUntold(USER),
    plays.cancelPlay(USER),
    plays.stopAll(USER),
    plays.stopAllByTrack(USER),
    plays.stopById(USER),
    plays.stopByTrack(USER),
    plays.stopUnknown(USER),
    network.dropTransport(USER, 7_003, false),
    network.nextLimit,
  ],
});

const TOURS_PER_TEST = 50;
const plans = [plan, calmPlan, playPlan];
const groups = plans.flatMap(({ tours }, index) =>
  Array.from({ length: Math.ceil(tours.length / TOURS_PER_TEST) }, (_, group) => {
    const first = group * TOURS_PER_TEST;
    return { plan: index + 1, first, tours: tours.slice(first, first + TOURS_PER_TEST) };
  }),
);

async function walk(tour: readonly Step[]): Promise<void> {
  const model = new BridgeModel(LIMITS);
  const world = await World.create({ env: ENV, inspect });
  const done: string[] = [];
  for (const step of tour) {
    done.push(step.name);
    try {
      await runStep(step, model, world);
    } catch (error) {
      throw new Error(`after: ${done.join("; ")}`, { cause: error });
    }
  }
  await expectNothingLeft(world.rig);
}

afterAll(() => {
  const pairs = plans.reduce((sum, one) => sum + one.pairs, 0);
  const states = plans.reduce((sum, one) => sum + one.states, 0);
  console.log([...charts.map(({ summary }) => summary), `${pairs} steps from ${states} states`].join("\n"));
});

describe("a walk over all that the model knows", () => {
  it.each(groups)("finds the bridge as the contract wants it: plan $plan, tours from $first", async ({ tours }) => {
    for (const tour of tours) await walk(tour);
  });
});

/** A rig whose sessions have other parts. */
const rigWith = (parts: (logic: SessionLogic) => SessionLogic, env = {}): Promise<Rig> =>
  createRig({ env, inspect, session: parts });

describe("what only a broken part can bring about", () => {
  it("a session that crashes is reaped, and its supervisor lives", async () => {
    const broken = sabotage(USER, ["session", "actions", "reportStream"]);
    const rig = await rigWith(broken.apply);
    const { stream } = await goLive(rig, USER);
    expect(stream.answer).toBe("INTERNAL internal error");
    expect(rig.counts()).toMatchObject({ sessions: 0, closing: 0 });
    await expectNothingLeft(rig);
  });

  it("a room connection that fails while it leaves ends the session at once", async () => {
    const rig = await rigWith((logic) =>
      logic.provide({
        actors: {
          roomConnection: fromCallback(({ receive }) => {
            receive(({ type }) => {
              if (type === "room.close") throw new Error("this room connection is broken");
            });
          }),
        },
      }),
    );
    const join = await rig.join(USER);
    const leave = rig.leave(USER);
    await rig.settle();
    expect([join.isSettled, leave.answer]).toEqual([true, "success"]);
    expect(rig.recorder.count("crashed")).toBe(1);
    await expectNothingLeft(rig);
  });

  it("a drain goes on after its budget when a room is not left", async () => {
    const rig = await rigWith((logic) => logic, { BRIDGE_DRAIN_TIMEOUT_MS: "3000" });
    const { stream } = await goLive(rig, USER);
    rig.rooms.faults.hangCloses();
    rig.drain();
    await cross(rig, 3000, () => expect(stream.isSettled).toBe(false));
    expect(stream.answer).toBe("UNAVAILABLE draining");
    expect(rig.supervisor.getSnapshot().status).toBe("done");
    await expectNothingLeft(rig);
  });

  it("media that fails when it is closed does not keep the room open, and is counted", async () => {
    const rig = await rigWith((logic) => logic);
    const { stream } = await goLive(rig, USER);
    const media = rig.medias.get(1);
    if (media) {
      media.close = () => {
        throw new Error("this media is broken");
      };
    }
    const leave = rig.leave(USER);
    await rig.settle();
    expect([stream.answer, leave.answer, rig.recorder.count("crashed")]).toEqual(["OK", "success", 1]);
    await expectNothingLeft(rig);
  });

  /** A session that does not hear when it is released. */
  const deaf = (healthy: SessionLogic): SessionLogic => {
    const logic = Object.create(healthy) as SessionLogic;
    logic.transition = (snapshot, event, scope) =>
      event.type === "session.release" ? snapshot : healthy.transition(snapshot, event, scope);
    return logic;
  };

  it("a drain ends, and everybody gets an answer, when a session does not end in time", async () => {
    const rig = await rigWith(deaf);
    const { stream } = await goLive(rig, USER);
    rig.drain();
    await cross(rig, 300, () => expect(stream.isSettled).toBe(false));
    expect(stream.isSettled).toBe(true);
    expect(rig.supervisor.getSnapshot().output).toEqual({ abandoned: 1 });
    await rig.settle();
    await expectNothingLeft(rig);
  });

  it("a session that is never released lets its stream go 1 s after a drain's budget", async () => {
    const rig = await createRig({ inspect });
    const { stream } = await goLive(rig, USER);
    const child = rig.supervisor.getSnapshot().children["0"];
    child?.send({ type: "session.drain" });
    await cross(rig, 8000, () => expect(stream.isSettled).toBe(false));
    expect(stream.answer).toBe("UNAVAILABLE draining");
    await expectNothingLeft(rig);
  });
});

describe("the charts", () => {
  it("have no state and no transition that was not walked", () => {
    expect(charts.flatMap(({ missing }) => missing)).toEqual([]);
  });
});
