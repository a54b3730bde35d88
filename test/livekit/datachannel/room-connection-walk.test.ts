// Random lives of a room's connection: chart and model go side by side, and by the end every state and every transition of
// the chart has been walked.

import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { roomConnectionMachine } from "../../../src/livekit/datachannel/room-connection-machine.js";
import type { RoomConnectError, RoomEndReason } from "../../../src/livekit/room.js";
import { coverChart } from "../../models/chart-coverage.js";
import { RoomConnectionModel } from "./room-connection-model.js";
import { BROKEN, createRoomConnectionRig, REFUSED, type RoomConnectionRig } from "./room-connection-rig.js";

interface Step {
  readonly name: string;
  isPossible(model: RoomConnectionModel): boolean;
  apply(model: RoomConnectionModel): void;
  act(rig: RoomConnectionRig): Promise<void>;
}

const isAlive = (model: RoomConnectionModel) => model.mode !== "left";
const isTrying = (model: RoomConnectionModel) => model.isTrying;

const serverWantsRejoin: Step = {
  name: "the server wants a rejoin",
  isPossible: isAlive,
  apply: (model) => model.serverWantsRejoin(),
  act: (rig) => rig.send({ type: "server.rejoin" }),
};

const serverEnds = (reason: RoomEndReason): Step => ({
  name: `the server ends it: ${reason}`,
  isPossible: isAlive,
  apply: (model) => model.ended(reason),
  act: (rig) => rig.send({ type: "server.ended", reason }),
});

const fails = (error: RoomConnectError): Step => ({
  name: `the attempt fails: ${error.code}`,
  isPossible: isTrying,
  apply: (model) => model.failed(error.message, error === REFUSED),
  act: (rig) => rig.fail(error),
});

const settlesLate = (error?: RoomConnectError): Step => ({
  name: `what was given up ${error ? "fails" : "works"} after all`,
  isPossible: isAlive,
  apply: () => undefined,
  act: (rig) => rig.settleLate(error),
});

const pass = (ms: number): Step => ({
  name: `${ms} ms pass`,
  isPossible: () => true,
  apply: (model) => model.pass(ms),
  act: (rig) => rig.clock.advance(ms),
});

const works: Step = {
  name: "the attempt works",
  isPossible: isTrying,
  apply: (model) => model.worked(),
  act: (rig) => rig.work(),
};

const close: Step = {
  name: "close",
  isPossible: isAlive,
  apply: (model) => model.close(),
  act: (rig) => rig.send({ type: "close" }),
};

const isLeft: Step = {
  name: "the room is left",
  isPossible: (model) => model.mode === "leaving",
  apply: (model) => model.finishedLeaving(),
  act: (rig) => rig.finishLeaving(),
};

/** Drawn often, so that lives are long. */
const goesOn: readonly Step[] = [
  works,
  works,
  works,
  fails(BROKEN),
  settlesLate(),
  settlesLate(REFUSED),
  {
    name: "the signal connection is lost",
    isPossible: isAlive,
    apply: (model) => model.signalLost(),
    act: (rig) => rig.send({ type: "signal.lost" }),
  },
  {
    name: "the transport is lost",
    isPossible: isAlive,
    apply: (model) => model.peerLost(),
    act: (rig) => rig.send({ type: "peer.lost" }),
  },
  serverWantsRejoin,
  pass(299),
  pass(1),
  pass(100),
];

const ends: readonly Step[] = [
  fails(REFUSED),
  serverEnds("participant_removed"),
  close,
  isLeft,
  pass(1000),
  pass(5003),
];

const coverage = coverChart(roomConnectionMachine);
afterAll(() => {
  console.log(coverage.summary);
  expect(coverage.missing).toEqual([]);
});

function compare(rig: RoomConnectionRig, model: RoomConnectionModel): void {
  expect(rig.mode).toBe(model.mode);
  expect(rig.told).toEqual(model.told);
  expect(rig.attemptsUnderWay, "attempts under way").toBe(model.isTrying ? 1 : 0);
}

it("whatever the server, the network and time do, a connection is what the seam promises", async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...goesOn) },
    { weight: 1, arbitrary: fc.constantFrom(...ends) },
  );
  const life = fc.array(step, { minLength: 1, maxLength: 40, size: "max" });
  const numRuns = Number(process.env["FC_RUNS"] ?? 600);
  await fc.assert(
    fc.asyncProperty(life, async (chosen) => {
      const rig = createRoomConnectionRig((event) => coverage.observe(event));
      const model = new RoomConnectionModel();
      for (const step of [...chosen, close, isLeft]) {
        if (!step.isPossible(model)) continue;
        rig.setPeerAlive(model.isPeerAlive);
        step.apply(model);
        if (!model.isPeerAlive) rig.setPeerAlive(false);
        await step.act(rig);
        compare(rig, model);
      }
      expect(rig.clock.pending, "timers").toBe(0);
    }),
    { numRuns },
  );
});
