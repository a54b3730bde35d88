// The chart of a room's connection on a simulated clock, with joins, resumes and good-byes that do as a test says.

import { createActor, type InspectionEvent } from "xstate";
import { backoffMs } from "../../../src/livekit/datachannel/backoff.js";
import type {
  RoomConnectionEvent,
  RoomConnectionPorts,
} from "../../../src/livekit/datachannel/room-connection-context.js";
import { roomConnectionMachine } from "../../../src/livekit/datachannel/room-connection-machine.js";
import { RoomConnectError } from "../../../src/livekit/room.js";
import { createSimulatedClock } from "../../support/simulated-clock.js";
import { LIMITS, type Mode } from "./room-connection-model.js";

export type RoomConnectionRig = ReturnType<typeof createRoomConnectionRig>;

interface Attempt {
  readonly signal: AbortSignal;
  /** Undefined once it has settled. */
  settle: ((error?: Error) => void) | undefined;
}

export const BROKEN = new RoomConnectError("unreachable", "not now");
export const REFUSED = new RoomConnectError("unauthorized", "never");

export function createRoomConnectionRig(inspect: (event: InspectionEvent) => void = () => undefined) {
  const clock = createSimulatedClock();
  const told: string[] = [];
  const attempts: Attempt[] = [];
  const goodByes: (() => void)[] = [];
  let isPeerAlive = true;
  const attempt = (kind: string) => (signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      told.push(kind);
      const settle = (error?: Error): void => (error ? reject(error) : resolve());
      attempts.push({ signal, settle });
    });
  const ports: RoomConnectionPorts = {
    join: attempt("join"),
    resume: attempt("resume"),
    rejoin: attempt("rejoin"),
    leave: () =>
      new Promise((resolve) => {
        told.push("leave");
        goodByes.push(resolve);
      }),
    joined: () => told.push("joined"),
    joinFailed: (error) => told.push(`join failed: ${error instanceof Error ? error.message : "?"}`),
    reconnecting: () => told.push("reconnecting"),
    reconnected: () => told.push("reconnected"),
    ended: (reason) => told.push(`ended: ${reason}`),
    backoffMs: (failures) => backoffMs(failures, { ...LIMITS, random: () => 1 }),
    isPeerAlive: () => isPeerAlive,
  };
  const actor = createActor(roomConnectionMachine, { input: { ports, limits: LIMITS }, clock, inspect });
  actor.start();
  const settled = () => clock.advance(0);
  const settle = (chosen: readonly Attempt[], error?: Error) => {
    for (const each of chosen) {
      each.settle?.(error);
      each.settle = undefined;
    }
    return settled();
  };
  const underWay = () => attempts.filter((each) => each.settle && !each.signal.aborted);
  return {
    clock,
    told,
    send(event: RoomConnectionEvent) {
      actor.send(event);
      return settled();
    },
    get attemptsUnderWay(): number {
      return underWay().length;
    },
    work: () => settle(underWay()),
    fail: (error: Error) => settle(underWay(), error),
    /** What was given up settles after all. */
    settleLate: (error?: Error) =>
      settle(
        attempts.filter(({ signal }) => signal.aborted),
        error,
      ),
    finishLeaving() {
      for (const finish of goodByes) finish();
      return settled();
    },
    setPeerAlive(isAlive: boolean) {
      isPeerAlive = isAlive;
    },
    get mode(): Mode {
      const { value } = actor.getSnapshot();
      return typeof value === "string" ? value : value.reconnecting;
    },
  };
}
