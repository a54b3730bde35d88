// An engine and a server that lies to it, with short time limits; whatever was said, nothing may be left.

import { afterAll, beforeAll, expect, onTestFinished } from "vitest";
import { createDatachannelEngine, type DatachannelEngineOptions } from "../../../src/livekit/datachannel/engine.js";
import { acquireNative, heldCount, releaseNative } from "../../../src/livekit/datachannel/native.js";
import { RoomConnectError, type DataPacket } from "../../../src/livekit/room.js";
import type { PublishedTrack, Room, RoomListener } from "../../../src/livekit/room.js";
import { systemClock } from "../../../src/time.js";
import { eventually } from "../../support/eventually.js";
import { QUIET } from "../../support/quiet.js";
import { farCount } from "./far-peer.js";
import { startLyingServer, type Host } from "./lying-server.js";

/** Long enough for handshakes that have to be repeated, which takes a second. */
const PATIENT = {
  signalTimeoutMs: 3000,
  peerTimeoutMs: 6000,
  publishTimeoutMs: 3000,
  unpublishTimeoutMs: 300,
  lastWordMs: 50,
  reconnectMaxMs: 8000,
  backoffMinMs: 20,
  backoffMaxMs: 50,
};

/** For servers that say nothing. */
export const IMPATIENT = { signalTimeoutMs: 200, peerTimeoutMs: 300, publishTimeoutMs: 200 };
/** Below each limit of the patient: a refusal waits for none of them. */
const REFUSAL_MAX_MS = 2000;

/** The library ends its threads with its last engine; it may do so once the far sides are closed as well. */
export function keepLibraryUntilTheEnd(): void {
  beforeAll(acquireNative);
  afterAll(async () => {
    await eventually("far sides are closed", () => farCount() === 0);
    releaseNative();
  });
}

const MONO = { sampleRateHz: 48_000, channels: 1 } as const;

/** A track that plays nothing. */
export const publish = (room: Room, name = "speaker"): Promise<PublishedTrack> =>
  room.publishTrack(name, MONO, { read: () => 0 });

export type LyingScene = Awaited<ReturnType<typeof setScene>>;

export async function setScene(
  lie: (host: Host, index: number) => void = () => undefined,
  options: Partial<DatachannelEngineOptions> = {},
) {
  const server = await startLyingServer(lie);
  const engine = await createDatachannelEngine({ clock: systemClock, logger: QUIET, ...PATIENT, ...options });
  const told: string[] = [];
  const packets: DataPacket[] = [];
  let onPacket = (): void => undefined;
  const listener: RoomListener = {
    packet(packet) {
      packets.push(packet);
      onPacket();
    },
    participantJoined: (identity) => void told.push(`+${identity}`),
    participantLeft: (identity) => void told.push(`-${identity}`),
    reconnecting: () => void told.push("reconnecting"),
    reconnected: () => void told.push("reconnected"),
    ended: (reason) => void told.push(`ended: ${reason}`),
  };
  const connect = (signal = new AbortController().signal): Promise<Room> =>
    engine.connect({ url: server.url, token: "a.b.c", signal }, listener);

  async function expectNothingLeft(): Promise<void> {
    expect(engine.counts()).toEqual({ rooms: 0, connecting: 0, tracks: 0 });
    await eventually("nothing of the library is held", () => heldCount() === 0, 2000);
    await eventually("no connection is left", () => server.conversations.every(({ isOver }) => isOver), 2000);
  }

  onTestFinished(async () => {
    await engine.dispose();
    try {
      await expectNothingLeft();
    } finally {
      await server.stop();
    }
  });

  return {
    server,
    engine,
    told,
    packets,
    connect,
    onPacket(callback: () => void) {
      onPacket = callback;
    },
    expectNothingLeft,
    /** Connects in vain; nothing is left then. */
    async refusal(): Promise<RoomConnectError> {
      const beganAtMs = performance.now();
      const error = await connect().then(
        () => new Error("it connected"),
        (error: unknown) => error,
      );
      expect(error).toBeInstanceOf(RoomConnectError);
      expect(performance.now() - beganAtMs).toBeLessThan(REFUSAL_MAX_MS);
      await expectNothingLeft();
      expect(told).toEqual([]);
      return error as RoomConnectError;
    },
    tells: (line: string) => eventually(`it tells ${line}: ${told.join()}`, () => told.includes(line)),
  };
}
