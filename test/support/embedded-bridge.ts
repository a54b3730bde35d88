// A whole bridge in this process, on embedded rooms and a real gRPC port: everything is real but LiveKit.

import { Writable } from "node:stream";
import { afterEach, beforeEach, expect } from "vitest";
import { loadResampler } from "../../src/audio/resampler.js";
import { createBridge } from "../../src/bridge.js";
import type { Bridge, BridgeParts } from "../../src/bridge.js";
import { readConfig } from "../../src/config.js";
import type { Config } from "../../src/config.js";
import type { EmbeddedRooms } from "../../src/livekit/embedded/rooms.js";
import { createEmbeddedRooms } from "../../src/livekit/embedded/rooms.js";
import type { RoomEngine } from "../../src/livekit/room.js";
import { createLogger } from "../../src/telemetry/logger.js";
import type { Clock } from "../../src/time.js";
import { systemClock } from "../../src/time.js";
import type { JoinParams, TestClient } from "./old-client.js";
import { createTestClient } from "./old-client.js";

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

export interface BridgeHarness {
  readonly bridge: Bridge;
  readonly rooms: EmbeddedRooms;
  readonly engine: RoomEngine;
  readonly config: Config;
  readonly address: string;
  readonly client: TestClient;
  readonly logs: LogLine[];
  /** Errors that reached the supervisor's root: none, in any test. */
  readonly failures: unknown[];
  /** A JoinRoom request for `user` and the room of the same name. */
  params(user: string, changes?: Partial<JoinParams>): Promise<JoinParams>;
  connect(options?: Parameters<typeof createTestClient>[1], address?: string): TestClient;
  messages(): string[];
  stop(): Promise<void>;
}

/** A fresh bridge for every test of a `describe`, and the proof after each that nothing failed and nothing is left. */
export function useEmbeddedBridge(started: (harness: BridgeHarness) => void, options: HarnessOptions = {}): void {
  let harness: BridgeHarness;
  beforeEach(async () => {
    harness = await startEmbeddedBridge(options);
    started(harness);
  });
  afterEach(async () => {
    await harness.stop();
    expect(harness.failures).toEqual([]);
    expect(harness.engine.counts()).toEqual({ rooms: 0, connecting: 0, tracks: 0 });
  });
}

export interface HarnessOptions {
  readonly env?: Record<string, string>;
  readonly clock?: Clock;
  readonly resolve?: BridgeParts["resolve"];
}

export async function startEmbeddedBridge(options: HarnessOptions = {}): Promise<BridgeHarness> {
  const clock = options.clock ?? systemClock;
  const rooms = createEmbeddedRooms({ clock });
  const engine = rooms.engine();
  const env = { PORT: "0", BRIDGE_HOST: "127.0.0.1", LIVEKIT_URL: rooms.url, LOG_LEVEL: "trace", ...options.env };
  const config = readConfig(env);
  const logs: LogLine[] = [];
  const failures: unknown[] = [];
  const sink = new Writable({
    write(line: Buffer, _encoding, done) {
      logs.push(JSON.parse(line.toString()) as LogLine);
      done();
    },
  });
  const logger = createLogger({ level: config.LOG_LEVEL, env: "test" }, sink);
  const createResampler = await loadResampler();
  const failed = (error: unknown) => failures.push(error);
  const { resolve } = options;
  const parts = { engine, clock, logger, createResampler, failed, ...(resolve ? { resolve } : {}) };
  const bridge = createBridge(config, parts);
  const port = await bridge.start();
  const address = config.LIVEKIT_GRPC_SOCKET ? `unix:${config.LIVEKIT_GRPC_SOCKET}` : `127.0.0.1:${port}`;
  const clients: TestClient[] = [];
  const connect = (channel?: Parameters<typeof createTestClient>[1], through = address) => {
    const client = createTestClient(through, channel);
    clients.push(client);
    return client;
  };
  return {
    bridge,
    rooms,
    engine,
    config,
    address,
    client: connect(),
    logs,
    failures,
    async params(user, changes = {}) {
      const token = await rooms.token(`cloud-agent:${user}`, user);
      return { user_id: user, room_name: user, token, livekit_url: "", target_identity: user, ...changes };
    },
    connect,
    messages: () => logs.map(({ message }) => message),
    async stop() {
      for (const client of clients) client.close();
      await bridge.drain();
      await engine.dispose();
    },
  };
}
