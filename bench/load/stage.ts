// Everything that a run needs, started in order and ended by process id, whatever happens.

import { randomBytes } from "node:crypto";
import { setup as build } from "../../test/support/built.js";
import { startBridgeProcess } from "../../test/support/bridge-process.js";
import { startLiveKitServer } from "../../test/support/livekit-server.js";
import type { Access } from "./access.js";
import { userName } from "./access.js";
import type { Cores } from "./cores.js";
import { chooseCores, moveTo, startOn } from "./cores.js";
import type { HealthReader } from "./health.js";
import { openHealth } from "./health.js";
import type { InterfaceWatch } from "./interface-watch.js";
import { watchInterfaces } from "./interface-watch.js";
import type { LoadOptions } from "./options.js";
import { UsageError } from "./options.js";
import { allowedCores, isAlive, statusOf } from "./proc.js";
import type { CloudDuties } from "./programs/cloud.js";
import type { DirectDuties } from "./programs/direct.js";
import type { EarsDuties } from "./programs/ears.js";
import type { PhonesDuties } from "./programs/phones.js";
import type { ReceiverDuties } from "./programs/receiver.js";
import type { ProgramName } from "./remote.js";
import { Remote } from "./remote.js";
import type { Duties } from "./serve.js";

export interface MeasuredBridge {
  readonly address: string;
  readonly pid: number;
  readonly health: HealthReader;
  stop(): Promise<void>;
}

export interface Stage {
  readonly options: LoadOptions;
  readonly cores: Cores;
  readonly access: Access;
  /** The id of this run, in the names of its users. */
  readonly run: string;
  readonly users: readonly string[];
  readonly bridge: MeasuredBridge;
  readonly phones: readonly Remote<PhonesDuties>[];
  readonly cloud: Remote<CloudDuties>;
  readonly control: Remote<ReceiverDuties>;
  startEars(): Remote<EarsDuties>;
  startDirect(): Remote<DirectDuties>;
  /** On the bridge's core. */
  startBare(): Promise<Remote<ReceiverDuties>>;
  /** Another one, on the first one's core. */
  startBridge(engine: string): Promise<MeasuredBridge>;
  /** Whose CPU is measured, by role. Main itself is one of them. */
  readonly roles: ReadonlyMap<string, number>;
  readonly interfaces: InterfaceWatch;
  /** What modes start themselves is ended with the rest. */
  readonly cleanup: Cleanup;
}

/** Things to be ended, the last first. Ending twice is ending once. */
export class Cleanup {
  readonly #steps: (() => unknown)[] = [];
  #running: Promise<void> | undefined;

  add(step: () => unknown): void {
    if (this.#running) void step();
    else this.#steps.push(step);
  }

  run(): Promise<void> {
    this.#running ??= this.#runOnce();
    return this.#running;
  }

  async #runOnce(): Promise<void> {
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        console.error(error instanceof Error ? error.message : error);
      }
    }
  }
}

export async function startStage(options: LoadOptions, cleanup: Cleanup): Promise<Stage> {
  const cores = chooseCores(options.isPinned);
  const everywhere = allowedCores();
  moveTo(cores, process.pid, cores.load);
  cleanup.add(() => moveTo(cores, process.pid, everywhere));
  const interfaces = watchInterfaces();
  cleanup.add(() => interfaces.stop());
  const roles = new Map([["main", process.pid]]);
  const access = await startServer(options, cleanup, cores, roles);
  const bridge = await startBridge(options, cleanup, cores, access);
  roles.set("bridge", bridge.pid);

  const start = <D extends Duties>(program: ProgramName, role: string): Remote<D> => {
    const remote = new Remote<D>(program, role);
    cleanup.add(() => remote.stop());
    roles.set(role, remote.pid);
    return remote;
  };
  const phones = Array.from({ length: options.phoneProcesses }, (_, index) =>
    start<PhonesDuties>(
      options.phones === "lean" ? "lean-phones" : "phones",
      options.phoneProcesses === 1 ? "phones" : `phones ${index + 1}`,
    ),
  );
  const cloud = start<CloudDuties>("cloud", "cloud client");
  await cloud.ask("enter", { access, address: bridge.address });
  const run = randomBytes(3).toString("hex");
  return {
    options,
    cores,
    access,
    run,
    users: Array.from({ length: options.users }, (_, index) => userName(run, index)),
    bridge,
    phones,
    cloud,
    control: start<ReceiverDuties>("receiver", "control"),
    startEars: () => start<EarsDuties>("ears", "ears"),
    startDirect: () => start<DirectDuties>("direct", "direct publisher"),
    startBare: () => startOn(cores, "bridge", async () => start<ReceiverDuties>("receiver", "bare receiver")),
    async startBridge(engine) {
      const bridgeEnv = { ...options.bridgeEnv, LIVEKIT_ENGINE: engine };
      const other = await startBridge({ ...options, target: undefined, bridgeEnv }, cleanup, cores, access);
      roles.set(`bridge on ${engine}`, other.pid);
      return other;
    },
    roles,
    interfaces,
    cleanup,
  };
}

async function startServer(
  { serverPid }: LoadOptions,
  cleanup: Cleanup,
  cores: Cores,
  roles: Map<string, number>,
): Promise<Access> {
  const { LIVEKIT_URL: url, LIVEKIT_API_KEY: apiKey, LIVEKIT_API_SECRET: apiSecret } = process.env;
  if (url) {
    if (!apiKey || !apiSecret) throw new UsageError("LIVEKIT_URL needs LIVEKIT_API_KEY and LIVEKIT_API_SECRET");
    if (serverPid !== undefined) roles.set("livekit-server", serverPid);
    return { url, apiKey, apiSecret };
  }
  const server = await startOn(cores, "load", () => startLiveKitServer());
  cleanup.add(() => server.stop());
  roles.set("livekit-server", server.pid);
  return { url: server.url, apiKey: server.apiKey, apiSecret: server.apiSecret };
}

async function startBridge(
  { target, bridgeEnv }: LoadOptions,
  cleanup: Cleanup,
  cores: Cores,
  { url }: Access,
): Promise<MeasuredBridge> {
  const opened = (address: string): HealthReader => {
    const health = openHealth(address);
    cleanup.add(() => health.close());
    return health;
  };
  if (target) {
    if (!isAlive(target.pid)) throw new UsageError(`--pid: there is no process ${target.pid}`);
    const before = allowedCores(statusOf(target.pid));
    cleanup.add(() => isAlive(target.pid) && moveTo(cores, target.pid, before));
    moveTo(cores, target.pid, cores.bridge);
    return { ...target, health: opened(target.address), stop: async () => undefined };
  }
  build();
  const env = {
    LIVEKIT_URL: url,
    LOG_LEVEL: "info",
    BRIDGE_SESSIONS_MAX: "10000",
    BRIDGE_AUDIO_ALLOWED: "127.0.0.0/8",
  };
  const bridge = await startOn(cores, "bridge", () => startBridgeProcess({ ...env, ...bridgeEnv }));
  cleanup.add(() => bridge.stop());
  return { address: bridge.address, pid: bridge.pid, health: opened(bridge.address), stop: () => bridge.stop() };
}
