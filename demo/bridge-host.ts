// The bridge itself, as `npm start` runs it but in this process: real configuration, real gRPC port, logs in a file.

import { closeSync, mkdtempSync, openSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadResampler } from "../src/audio/resampler.js";
import { createBridge } from "../src/bridge.js";
import type { Bridge } from "../src/bridge.js";
import { readConfig } from "../src/config.js";
import type { RoomEngine } from "../src/livekit/room.js";
import { createLogger } from "../src/telemetry/logger.js";
import { systemClock } from "../src/time.js";
import type { Rooms } from "./rooms.js";

export interface BridgeHost {
  readonly bridge: Bridge;
  readonly engine: RoomEngine;
  readonly port: number;
  readonly logFile: string;
  /** Lines of the log at error and above, as they came: none in a demo that went well. */
  readonly errors: readonly string[];
  /** Drains as SIGTERM does. Idempotent. */
  stop(): Promise<void>;
}

export async function startBridge(rooms: Rooms): Promise<BridgeHost> {
  const logFile = join(mkdtempSync(join(tmpdir(), "livekit-bridge-demo-")), "bridge.log");
  const log = openSync(logFile, "w");
  const errors: string[] = [];
  const config = readConfig({
    PORT: "0",
    BRIDGE_HOST: "127.0.0.1",
    BRIDGE_ENV: "demo",
    LIVEKIT_ENGINE: rooms.engineName,
    LIVEKIT_URL: rooms.url,
    LOG_LEVEL: "debug",
    // The demo's tune is served on this machine, which PlayAudio would otherwise refuse to fetch from.
    BRIDGE_AUDIO_ALLOWED: "127.0.0.1/32",
  });
  const logger = createLogger({ level: config.LOG_LEVEL, env: config.BRIDGE_ENV }, { write });
  let isLogOpen = true;

  function write(line: string): void {
    if (isLogOpen) writeSync(log, line);
    const { level, message } = JSON.parse(line) as { level: string; message: string };
    if (level === "error" || level === "fatal") errors.push(message);
  }

  const engine = await rooms.createEngine(config, logger);
  const bridge = createBridge(config, {
    engine,
    clock: systemClock,
    logger,
    createResampler: await loadResampler(),
    failed: (error) => logger.fatal({ error }, "The supervisor failed"),
  });
  const port = await bridge.start();

  async function stop(): Promise<void> {
    await bridge.drain();
    await engine.dispose();
    if (isLogOpen) closeSync(log);
    isLogOpen = false;
  }
  let stopped: Promise<void> | undefined;
  return { bridge, engine, port, logFile, errors, stop: () => (stopped ??= stop()) };
}
