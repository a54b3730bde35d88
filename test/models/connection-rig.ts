// The connection's chart on a simulated clock, with an attempt and a channel that do as a test says.

import { createActor, fromCallback } from "xstate";
import type { InspectionEvent } from "xstate";
import { backoffMs } from "../../src/client/connection/backoff.js";
import type {
  AttemptInput,
  ChannelWatchInput,
  ConnectionEvent,
  ConnectionPorts,
} from "../../src/client/connection/connection-context.js";
import { connectionMachine } from "../../src/client/connection/connection-machine.js";
import { BridgeClientError } from "../../src/client/errors.js";
import { DEFAULT_LIMITS } from "../../src/client/limits.js";
import { createSimulatedClock } from "../support/simulated-clock.js";
import type { Mode } from "./connection-model.js";

export type ConnectionRig = ReturnType<typeof createConnectionRig>;

export function createConnectionRig(inspect: (event: InspectionEvent) => void) {
  const clock = createSimulatedClock();
  const told: string[] = [];
  const running = new Set<(event: ConnectionEvent) => void>();
  const watching = new Set<(event: ConnectionEvent) => void>();
  let attempts = 0;
  let crashNext = false;
  const ports: ConnectionPorts = {
    nextDelayMs: (attempt) => backoffMs(attempt, DEFAULT_LIMITS, () => 1),
    joined: () => {},
    streaming: () => told.push("streaming"),
    failed: (_error, attempt, retryInMs) =>
      told.push(retryInMs === undefined ? `failed ${attempt} for good` : `failed ${attempt} again in ${retryInMs}`),
    ended: (reason) => told.push(`ended ${reason}`),
    leave: (reason) => told.push(`leave ${reason}`),
    makeWay: () => told.push("make way"),
    crashed: (cause) => new BridgeClientError("internal", String(cause)),
    endedAsFailure: (endReason) => new BridgeClientError("stream_ended", endReason, { endReason }),
  };
  const machine = connectionMachine.provide({
    actors: {
      attempt: fromCallback<ConnectionEvent, AttemptInput>(({ sendBack }) => {
        attempts += 1;
        if (crashNext) {
          crashNext = false;
          throw new Error("the attempt is broken");
        }
        running.add(sendBack);
        return () => running.delete(sendBack);
      }),
      channelWatch: fromCallback<ConnectionEvent, ChannelWatchInput>(({ sendBack }) => {
        watching.add(sendBack);
        return () => watching.delete(sendBack);
      }),
    },
  });
  const actor = createActor(machine, { input: { limits: DEFAULT_LIMITS, ports }, clock, inspect });
  actor.start();
  return {
    clock,
    told,
    running,
    watching,
    send: (event: ConnectionEvent) => actor.send(event),
    report: (event: ConnectionEvent) => running.forEach((send) => send(event)),
    channelBack: () => watching.forEach((send) => send({ type: "channel.back" })),
    crashNextAttempt: () => {
      crashNext = true;
    },
    get attempts() {
      return attempts;
    },
    get mode(): Mode {
      const { value } = actor.getSnapshot();
      return typeof value === "string" ? value : value.active;
    },
    stop: () => actor.stop(),
  };
}
