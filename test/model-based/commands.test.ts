// Random lives of three users, against the model of the contract. A failure prints seed, path and replay path; docs/testing.md
// says how to run it again.

import fc from "fast-check";
import { expect, it } from "vitest";
import { BridgeModel } from "../models/bridge-model.js";
import * as cloud from "../models/cloud-steps.js";
import * as network from "../models/network-steps.js";
import * as plays from "../models/playback-steps.js";
import { expectNothingLeft, muteStoppedActors } from "../models/rig-per-test.js";
import type { Step } from "../models/step.js";
import { runStep } from "../models/step.js";
import { World } from "../models/world.js";

muteStoppedActors();

const USERS = ["alice", "bob", "carol"] as const;
const LIMITS = { sessionsMax: 2, playbacksMax: 2 };
const ENV = { BRIDGE_SESSIONS_MAX: "2", BRIDGE_PLAYBACKS_MAX: "2" };
/** Around the limits of the contract, and odd enough that two of them rarely fall into one millisecond. */
const WAITS_MS = [1, 250, 999, 1001, 1499, 1999, 2001, 4999, 5003, 14_993, 19_997, 29_989, 30_011, 61_001];

const settings = process.env;
const numberFrom = (text: string | undefined) => (text === undefined || text === "" ? undefined : Number(text));

class StepCommand implements fc.AsyncCommand<BridgeModel, World> {
  readonly #step: Step;

  constructor(step: Step) {
    this.#step = step;
  }

  check(model: Readonly<BridgeModel>): boolean {
    return this.#step.isPossible(model as BridgeModel);
  }

  run(model: BridgeModel, world: World): Promise<void> {
    return runStep(this.#step, model, world);
  }

  toString(): string {
    return this.#step.name;
  }
}

const user = fc.constantFrom(...USERS);
const ofUser = (...makers: readonly ((user: string) => Step)[]) =>
  fc.tuple(user, fc.constantFrom(...makers)).map(([name, make]) => make(name));

const common = ofUser(
  (name) => cloud.join(name),
  (name) => cloud.openStream(name, false),
  (name) => cloud.openStream(name, true),
  (name) => cloud.heartbeat(name),
  (name) => cloud.leave(name),
  (name) => network.talk(name, 3),
);
const streams = ofUser(
  (name) => cloud.endStream(name, "halfClosed"),
  (name) => cloud.endStream(name, "cancelled"),
  (name) => cloud.endStream(name, "invalid"),
  (name) => cloud.stall(name),
  (name) => cloud.unstall(name),
  (name) => cloud.uplink(name, 0),
  (name) => cloud.uplink(name, 2),
  (name) => network.talk(name, 250),
  (name) => cloud.openBrokenStream(name),
);
const joins = ofUser(
  (name) => cloud.joinTwiceAtOnce(name),
  (name) => cloud.lateCalls(name),
  (name) => cloud.cancelJoin(name),
  (name) => cloud.joinRefused(name),
  (name) => cloud.joinBroken(name),
  (name) => network.holdConnects(name),
  (name) => network.releaseConnects(name),
  (name) => network.hangCloses(name),
  (name) => network.releaseCloses(name),
);
const rooms = ofUser(
  (name) => network.kick(name, "participant_removed"),
  (name) => network.kick(name, "room_deleted"),
  (name) => network.kick(name, "duplicate_identity"),
  (name) => network.kick(name, "server_shutdown"),
  (name) => network.dropTransport(name, 7_003, false),
  (name) => network.dropTransport(name, 3_007, true),
  (name) => network.dropTransport(name, 60_013, false),
  (name) => network.fault(name),
);
const late = ofUser(
  (name) => network.lateStream(name, "halfClosed"),
  (name) => network.lateStream(name, "cancelled"),
  (name) => network.lateStream(name, "invalid"),
  (name) => network.lateStream(name, "taken"),
  (name) => network.lateRoom(name, "ended"),
  (name) => network.lateRoom(name, "reconnecting"),
  (name) => network.lateRoom(name, "packet"),
  (name) => network.lateReport(name),
);
const playbacks = ofUser(
  (name) => plays.play(name),
  (name) => plays.play(name),
  (name) => plays.playOnShared(name),
  (name) => plays.playOver(name),
  (name) => plays.playAgain(name),
  (name) => plays.playInstead(name),
  (name) => plays.openFile(name),
  (name) => plays.beginSound(name),
  (name) => plays.endPlayback(name, "completed"),
  (name) => plays.endPlayback(name, "failed"),
  (name) => plays.cancelPlay(name),
);
const stops = ofUser(
  (name) => plays.stopAll(name),
  (name) => plays.stopAllByTrack(name),
  (name) => plays.stopById(name),
  (name) => plays.stopByTrack(name),
  (name) => plays.stopIdle(name),
  (name) => plays.stopUnknown(name),
  (name) => plays.lateCancelPlay(name),
);
const brokenPlays = ofUser(
  (name) => plays.playBroken(name),
  (name) => plays.playUnheard(name),
  (name) => plays.endPlayback(name, "crashed"),
  (name) => plays.leaveUntold(name),
);
const waits = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...WAITS_MS).map(network.wait) },
  { weight: 1, arbitrary: fc.constant(network.nextLimit) },
);

const step = fc.oneof(
  { weight: 8, arbitrary: common },
  { weight: 3, arbitrary: streams },
  { weight: 4, arbitrary: joins },
  { weight: 2, arbitrary: rooms },
  { weight: 2, arbitrary: late },
  { weight: 6, arbitrary: playbacks },
  { weight: 2, arbitrary: stops },
  { weight: 1, arbitrary: brokenPlays },
  { weight: 6, arbitrary: waits },
  { weight: 1, arbitrary: fc.boolean().map((isRare) => (isRare ? cloud.drain : network.nextLimit)) },
);

it(
  "whatever three users, LiveKit and time do, the bridge does what the contract says",
  { timeout: 600_000 },
  async () => {
    const replayPath = settings["FC_REPLAY_PATH"];
    const commands = fc.commands([step.map((one) => new StepCommand(one))], {
      maxCommands: 60,
      size: "max",
      ...(replayPath === undefined ? {} : { replayPath }),
    });
    const property = fc.asyncProperty(commands, async (steps) => {
      const model = new BridgeModel(LIMITS);
      const world = await World.create({ env: ENV });
      await fc.asyncModelRun(() => ({ model, real: world }), steps);
      await expectNothingLeft(world.rig);
      expect(world.ports.filter(({ isSettled }) => !isSettled)).toEqual([]);
    });
    const path = settings["FC_PATH"];
    await fc.assert(property, {
      numRuns: numberFrom(settings["FC_RUNS"]) ?? 300,
      ...(path === undefined ? {} : { path }),
    });
  },
);
