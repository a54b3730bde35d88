// The machines that have a chart. A machine joins by one line; everything else is read from the machine itself.

import type { AnyStateMachine } from "xstate";
import { connectionMachine } from "../../src/client/connection/connection-machine.js";
import { DEFAULT_LIMITS } from "../../src/client/limits.js";
import type { Config } from "../../src/config.js";
import { supervisorLimits } from "../../src/limits.js";
import { DEFAULTS } from "../../src/livekit/datachannel/options.js";
import { roomConnectionMachine } from "../../src/livekit/datachannel/room-connection-machine.js";
import { playbackMachine } from "../../src/machines/playback.js";
import { sessionMachine } from "../../src/machines/session.js";
import { supervisorMachine } from "../../src/machines/supervisor.js";

export interface Chart {
  /** Name of the generated files, and in front of `Machine` the name of what they export. */
  readonly name: string;
  /** Where a person changes the chart. */
  readonly source: string;
  readonly machine: AnyStateMachine;
  /** `context.limits` as this configuration fills it: what the machine's delays read. */
  readonly limits: (config: Config) => object;
}

export const charts: readonly Chart[] = [
  chartOf("supervisor", "src/machines/supervisor.ts", supervisorMachine, supervisorLimits),
  chartOf("session", "src/machines/session.ts", sessionMachine, (config) => supervisorLimits(config).session),
  chartOf("playback", "src/machines/playback.ts", playbackMachine, () => ({})),
  chartOf("connection", "src/client/connection/connection-machine.ts", connectionMachine, () => DEFAULT_LIMITS),
  chartOf(
    "roomConnection",
    "src/livekit/datachannel/room-connection-machine.ts",
    roomConnectionMachine,
    () => DEFAULTS,
  ),
];

function chartOf(name: string, source: string, machine: AnyStateMachine, limits: Chart["limits"]): Chart {
  return { name, source, machine, limits };
}
