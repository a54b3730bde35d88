// The stage of the rtc-node engine's own tests: a real server, an engine, and a look at what it leaves behind.

import { createServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import type { DataPacket, FrameSource, Room, RoomEndReason, RoomEngine, RoomListener } from "../../src/livekit/room.js";
import type { RtcNodeEngineOptions } from "../../src/livekit/rtc-node/engine.js";
import type { FfiClient } from "../../src/livekit/rtc-node/ffi-client.js";
import { systemClock } from "../../src/time.js";
import { startLiveKitServer, type LiveKitServer } from "../support/livekit-server.js";
import type { RtcParticipant } from "../support/rtc-participant.js";

export const MONO = { sampleRateHz: 48_000, channels: 1 } as const;
export const SILENCE: FrameSource = { read: () => 0 };
export const NOTHING_LEFT = { rooms: 0, connecting: 0, tracks: 0 };

export interface Heard {
  readonly packets: DataPacket[];
  readonly calls: string[];
  readonly ended: RoomEndReason[];
}

export interface ConnectOptions {
  readonly engine?: RoomEngine;
  readonly url?: string;
  readonly signal?: AbortSignal;
}

export interface RtcNodeStage {
  readonly server: LiveKitServer;
  readonly engine: RoomEngine;
  /** The engine's way to the native library. */
  readonly client: FfiClient;
  readonly logged: readonly string[];
  readonly panics: readonly string[];
  freshRoom(): string;
  createEngine(options?: Partial<RtcNodeEngineOptions>): Promise<RoomEngine>;
  connect(name: string, options?: ConnectOptions): Promise<{ room: Room; heard: Heard }>;
  joinPhone(room: string, server?: LiveKitServer): Promise<RtcParticipant>;
}

/** To be called inside a `describe`; what it returns is ready when tests run. */
export function setUpStage(): RtcNodeStage {
  let server: LiveKitServer | undefined;
  let engine: RoomEngine | undefined;
  let client: FfiClient | undefined;
  let roomNumber = 0;
  const logged: string[] = [];
  const panics: string[] = [];

  async function createEngine(options: Partial<RtcNodeEngineOptions> = {}): Promise<RoomEngine> {
    const { createRtcNodeEngine } = await import("../../src/livekit/rtc-node/engine.js");
    const log = (_fields: object, message: string): void => void logged.push(message);
    const logger = { debug: log, info: log, warn: log, error: log };
    // A short tail of silence, so that a test of idling need not wait for half a minute.
    const silenceTailMs = 1000;
    const onPanic = (panic: string) => panics.push(panic);
    return createRtcNodeEngine({ clock: systemClock, logger, onPanic, silenceTailMs, ...options });
  }

  beforeAll(async () => {
    server = await startLiveKitServer();
    engine = await createEngine();
    const { RTC_NODE_CLIENT_GLOBAL } = await import("../../src/livekit/rtc-node/client-global.js");
    client = Reflect.get(globalThis, RTC_NODE_CLIENT_GLOBAL) as unknown as FfiClient;
  });
  afterAll(async () => {
    await engine?.dispose();
    await server?.stop();
  });

  const stage: RtcNodeStage = {
    get server() {
      return ready(server);
    },
    get engine() {
      return ready(engine);
    },
    get client() {
      return ready(client);
    },
    logged,
    panics,
    freshRoom: () => `traps-${(roomNumber += 1)}`,
    createEngine,
    async connect(name, options = {}) {
      const heard: Heard = { packets: [], calls: [], ended: [] };
      const request = {
        url: options.url ?? stage.server.url,
        token: await stage.server.token("bridge", name),
        signal: options.signal ?? new AbortController().signal,
      };
      const room = await (options.engine ?? stage.engine).connect(request, writeDown(heard));
      onTestFinished(() => room.close());
      return { room, heard };
    },
    async joinPhone(room, at = stage.server) {
      const { joinRtcParticipant } = await import("../support/rtc-participant.js");
      const phone = await joinRtcParticipant(at.url, await at.token("phone", room));
      onTestFinished(() => phone.leave());
      return phone;
    },
  };
  return stage;
}

function ready<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the stage is not set up yet");
  return value;
}

function writeDown(heard: Heard): RoomListener {
  return {
    packet: (packet) => void heard.packets.push(packet),
    participantJoined: (identity) => void heard.calls.push(`joined ${identity}`),
    participantLeft: (identity) => void heard.calls.push(`left ${identity}`),
    reconnecting: () => void heard.calls.push("reconnecting"),
    reconnected: () => void heard.calls.push("reconnected"),
    ended: (reason) => void heard.ended.push(reason),
  };
}

export function play(clip: Int16Array): FrameSource {
  let at = 0;
  return {
    read(frame) {
      const part = clip.subarray(at, at + frame.length);
      frame.set(part);
      at += part.length;
      return part.length;
    },
  };
}

export async function until(holds: () => boolean | Promise<boolean>, limitMs = 10_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not so within ${limitMs} ms: ${holds.toString()}`);
    await sleep(10);
  }
}

export function sleep(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}

/** Accepts TCP connections and never says a word. */
export async function blackHole(): Promise<string> {
  const sockets = new Set<Socket>();
  const hole: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => hole.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    hole.close();
  });
  const address = hole.address();
  return `ws://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
}
