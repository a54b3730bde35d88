#!/usr/bin/env node
// The process: configuration in, signals in, exit code out.

import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { prepareDecoders } from "./audio/decode/prepare.js";
import { loadResampler } from "./audio/resampler.js";
import type { Bridge } from "./bridge.js";
import { createBridge } from "./bridge.js";
import type { Config } from "./config.js";
import { printableConfig, readConfig } from "./config.js";
import { BridgeError, toBridgeError } from "./errors.js";
import { isLoopback, isLoopbackHost } from "./grpc/listen-address.js";
import { grpcServerConfig } from "./limits.js";
import { createEngine } from "./livekit/create-engine.js";
import { redact } from "./redact.js";
import { createLogger } from "./telemetry/logger.js";
import type { Logger } from "./telemetry/logger.js";
import { systemClock } from "./time.js";
import { VERSION } from "./version.js";
import { within } from "./within.js";

/**
 * Packets lie outside the heap and are gone in a moment, yet V8 takes them for growth of the heap, and when that is small, as
 * here, it marks all of it anew once a second: a tenth of a core. Now it waits until the heap and they are three times as large.
 */
const HEAP_GROWING = "--heap-growing-percent=200";
/** What the native library may take to end; the process exits all the same. */
const DISPOSE_TIMEOUT_MS = 200;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { inspect: { type: "boolean", default: false } } });
  setFlagsFromString(HEAP_GROWING);
  const config = readConfig(process.env);
  const logger = createLogger({ level: config.LOG_LEVEL, env: config.BRIDGE_ENV });
  // A log that nobody reads any more (EPIPE) is no reason to hang up on everybody.
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
  logger.info({ version: VERSION, config: printableConfig(config) }, "Bridge starting");

  const exit = createExit(logger);
  const engine = await createEngine(config, { clock: systemClock, logger, panicked: exit.afterPanic });
  const [createResampler] = await Promise.all([loadResampler(), prepareDecoders()]);
  const failed = (error: unknown) => exit.failed("the supervisor failed", error);
  const bridge = createBridge(config, { engine, clock: systemClock, logger, createResampler, failed });
  exit.register(bridge, () => engine.dispose());

  const port = await bridge.start();
  const address = config.LIVEKIT_GRPC_SOCKET ?? `${config.BRIDGE_HOST}:${port}`;
  if (!isLoopback(grpcServerConfig(config).listen)) {
    logger.warn({ address }, "Listening on the network: anybody who reaches this port may use it");
  }
  reportMetrics(bridge, config, logger);
  logger.info({ address, port, engine: engine.name }, "Bridge listening");
  if (values.inspect) await startInspector(bridge, config, logger);
}

function reportMetrics({ metricsPort }: Bridge, { BRIDGE_METRICS_HOST: host }: Config, logger: Logger): void {
  if (metricsPort === undefined) return;
  const address = `${host.includes(":") ? `[${host}]` : host}:${metricsPort}`;
  logger.info({ address, port: metricsPort }, "Metrics listening");
  if (isLoopbackHost(host)) return;
  logger.warn({ address }, "Metrics on the network: anybody who reaches this port may read them");
}

async function startInspector(bridge: Bridge, config: Config, logger: Logger): Promise<void> {
  const { startInspectorRelay } = await import("./telemetry/inspector.js");
  const relay = await startInspectorRelay({ supervisor: bridge.supervisor, port: config.BRIDGE_INSPECT_PORT, logger });
  logger.warn({ url: relay.url }, "Inspector open: sessions are shown to whoever opens this page on this machine");
}

interface Exit {
  register(bridge: Bridge, dispose: () => Promise<void>): void;
  afterPanic(message: string): void;
  failed(message: string, error: unknown): void;
}

/** The ways out: a signal drains and exits 0, a second one exits at once, a fatal fault drains and exits 1. */
function createExit(logger: Logger): Exit {
  let bridge: Bridge | undefined;
  let dispose: (() => Promise<void>) | undefined;
  let isLeaving = false;

  async function leave(exitCode: number): Promise<void> {
    if (isLeaving) process.exit(exitCode === 0 ? 130 : exitCode);
    isLeaving = true;
    await bridge?.drain();
    if (dispose) await within(systemClock, DISPOSE_TIMEOUT_MS, dispose());
    logger.info({ exitCode }, "Bridge stopped");
    logger.flush();
    process.exit(exitCode);
  }

  function leaveNow(exitCode: number): void {
    leave(exitCode).catch((error: unknown) => {
      logger.fatal({ error }, "Drain failed");
      process.exit(1);
    });
  }

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      logger.info({ signal }, isLeaving ? "Second signal: exiting now" : "Bridge draining");
      leaveNow(0);
    });
  }
  // A library's forgotten rejection harms nobody's session; a throw from nowhere leaves the process in an unknown state.
  process.on("unhandledRejection", (error) => logger.error({ error }, "Unhandled rejection"));
  const failed = (message: string, error: unknown) => {
    logger.fatal({ error }, message);
    leaveNow(1);
  };
  process.on("uncaughtException", (error) => failed("Uncaught exception", error));

  return {
    register(registered, disposal) {
      bridge = registered;
      dispose = disposal;
    },
    afterPanic: (message) => failed("LiveKit's native library panicked", new BridgeError("internal", message)),
    failed,
  };
}

main().catch((thrown: unknown) => {
  const error = toBridgeError(thrown);
  const cause = error.cause instanceof Error && !error.message.includes(error.cause.message) ? error.cause.message : "";
  const line = `${error.code}: ${error.message}${cause && ` (${cause})`}`.replaceAll(/\s+/g, " ");
  process.stderr.write(`${redact(line)}\n`);
  process.exit(1);
});
