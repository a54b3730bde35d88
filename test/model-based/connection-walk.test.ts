// Random lives of a client's connection: chart and model go side by side, and by the end every state and every transition
// of the chart has been walked.

import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { connectionMachine } from "../../src/client/connection/connection-machine.js";
import { BridgeClientError } from "../../src/client/errors.js";
import { coverChart } from "../models/chart-coverage.js";
import { ConnectionModel } from "../models/connection-model.js";
import type { ConnectionRig } from "../models/connection-rig.js";
import { createConnectionRig } from "../models/connection-rig.js";

interface Step {
  readonly name: string;
  isPossible(model: ConnectionModel): boolean;
  apply(model: ConnectionModel): void;
  act(rig: ConnectionRig): unknown;
}

const always = () => true;
const isAlive = (model: ConnectionModel) => model.mode !== "closed";
const info = { participantId: "", participantCount: 1, bridgeVersion: undefined, session: undefined };
const error = new BridgeClientError("unavailable", "gone");

const connect = (isPersistent: boolean): Step => ({
  name: `connect${isPersistent ? " for good" : ""}`,
  isPossible: isAlive,
  apply: (model) => model.want(isPersistent),
  act: (rig) => rig.send({ type: "connect", isPersistent }),
});

const rejoin = (isPersistent: boolean, isRestart: boolean): Step => ({
  name: `rejoin${isPersistent ? " for good" : ""}${isRestart ? " elsewhere" : ""}`,
  isPossible: isAlive,
  apply: (model) => model.rejoin(isPersistent, isRestart),
  act: (rig) => rig.send({ type: "rejoin", isPersistent, isRestart }),
});

const ended = (reason: string): Step => ({
  name: `the stream ends: ${reason}`,
  isPossible: (model) => model.isActive,
  apply: (model) => model.ended(reason),
  act: (rig) => rig.report({ type: "attempt.ended", reason }),
});

const pass = (ms: number): Step => ({
  name: `${ms} ms pass`,
  isPossible: always,
  apply: (model) => model.pass(ms),
  act: (rig) => rig.clock.advance(ms),
});

const steps: readonly Step[] = [
  connect(true),
  connect(false),
  rejoin(true, false),
  rejoin(false, true),
  {
    name: "disconnect",
    isPossible: isAlive,
    apply: (model) => model.disconnect(),
    act: (rig) => rig.send({ type: "disconnect", reason: "bye" }),
  },
  {
    name: "the room is joined",
    isPossible: (model) => model.mode === "joining",
    apply: () => {},
    act: (rig) => rig.report({ type: "attempt.joined", info }),
  },
  ...[1, 2, 3].map(() => ({
    name: "the stream is accepted",
    isPossible: (model: ConnectionModel) => model.mode === "joining",
    apply: (model: ConnectionModel) => model.accepted(),
    act: (rig: ConnectionRig) => rig.report({ type: "attempt.accepted" }),
  })),
  {
    name: "the attempt fails",
    isPossible: (model) => model.isActive,
    apply: (model) => model.failed(),
    act: (rig) => rig.report({ type: "attempt.failed", error }),
  },
  {
    name: "connect, and the attempt crashes",
    isPossible: (model) => model.mode === "idle",
    apply(model) {
      model.want(false);
      model.failed();
    },
    act(rig) {
      rig.crashNextAttempt();
      rig.send({ type: "connect", isPersistent: false });
    },
  },
  {
    name: "rejoin, and the attempt crashes",
    isPossible: (model) => model.mode === "streaming",
    apply(model) {
      model.rejoin(true, false);
      model.failed();
    },
    act(rig) {
      rig.crashNextAttempt();
      rig.send({ type: "rejoin", isPersistent: true, isRestart: false });
    },
  },
  {
    name: "the channel is back",
    isPossible: (model) => model.mode === "waiting",
    apply: (model) => model.channelBack(),
    act: (rig) => rig.channelBack(),
  },
  ended("room_deleted"),
  ended("duplicate_identity"),
  pass(1_999),
  pass(999),
  pass(1000),
  pass(10_000),
  pass(30_000),
];

const dispose: Step = {
  name: "dispose",
  isPossible: always,
  apply: (model) => model.dispose(),
  act: (rig) => rig.send({ type: "dispose", reason: "dispose" }),
};

const coverage = coverChart(connectionMachine);
afterAll(() => {
  console.log(coverage.summary);
  expect(coverage.missing).toEqual([]);
});

function compare(rig: ConnectionRig, model: ConnectionModel): void {
  expect(rig.mode).toBe(model.mode);
  expect(rig.told).toEqual(model.told);
  expect(rig.attempts).toBe(model.attempts);
  expect(rig.running.size, "attempts that run").toBe(model.isActive ? 1 : 0);
  expect(rig.watching.size, "watches of the channel").toBe(model.mode === "waiting" ? 1 : 0);
}

it("whatever the cloud, the bridge and time do, a connection joins once at a time and comes back when it should", async () => {
  const life = fc.array(fc.constantFrom(...steps), { minLength: 1, maxLength: 40, size: "max" });
  const numRuns = Number(process.env["FC_RUNS"] ?? 300);
  await fc.assert(
    fc.asyncProperty(life, async (chosen) => {
      const rig = createConnectionRig((event) => coverage.observe(event));
      const model = new ConnectionModel();
      for (const step of [...chosen, dispose, ...steps]) {
        if (!step.isPossible(model)) continue;
        await step.act(rig);
        step.apply(model);
        compare(rig, model);
      }
      expect(rig.clock.pending, "timers").toBe(0);
    }),
    { numRuns },
  );
});
