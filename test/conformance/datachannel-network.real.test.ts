// What the engine on libdatachannel makes of a network that loses, delays, disorders and stops. The tests run at once, each on a
// wire of its own: most of their time is waiting.

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { DataPacket } from "../../src/livekit/room.js";
import { systemClock } from "../../src/time.js";
import { requireLiveKitServer } from "../support/livekit-server.js";
import { startRoughWire, type RoughWire } from "../support/rough-wire.js";
import type { Weather } from "../support/udp-shaper.js";
import { QUIET } from "../support/quiet.js";
import { startRealHarness, type RealHarness } from "./real-harness.js";
import type { HarnessParticipant } from "./room-conformance.js";
import { bytes, createStage, eventually, sleep, type Presence, type Stage } from "./room/stage.js";
import { analyse, createToneSource } from "./room/tone.js";

const TEST_TIMEOUT_MS = 80_000;
const MONO = { sampleRateHz: 48_000, channels: 1 } as const;
const TONE_HZ = 440;
/** Of a hundred joins that lose a packet of ten, one may take longer than the default: DTLS doubles its waits. */
const PEER_TIMEOUT_MS = 20_000;
/** After so long without an answer libjuice gives a way up (RFC 7675). */
const ICE_PATIENCE_MS = 30_000;
/** SCTP waits longer and longer for what does not arrive, up to seconds. */
const ARRIVAL_MAX_MS = 30_000;

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const numberOf = ({ payload }: DataPacket): number => ((payload[0] ?? 0) << 8) | (payload[1] ?? 0);
const numbersOf = ({ heard }: Presence): number[] => heard.packets.map(numberOf);

interface Scene {
  readonly wire: RoughWire;
  readonly room: string;
  /** Behind the rough wire. */
  readonly bridge: Presence;
  /** Has a good one. */
  readonly phone: HarnessParticipant;
}

describe.skipIf(requireLiveKitServer() === undefined)("a room of datachannel on a bad network", () => {
  let harness: RealHarness;
  let stage: Stage;

  beforeAll(async () => {
    harness = await startRealHarness(async () => {
      const { createDatachannelEngine } = await import("../../src/livekit/datachannel/engine.js");
      return createDatachannelEngine({ clock: systemClock, logger: QUIET, peerTimeoutMs: PEER_TIMEOUT_MS });
    });
    stage = createStage(harness);
  });
  // Nobody is left, and all counts are at zero.
  afterAll(async () => {
    await stage.clear();
    await harness.stop();
  });

  async function layWire(weather: Partial<Weather>): Promise<RoughWire> {
    const wire = await startRoughWire(harness.server, weather);
    onTestFinished(() => wire.close());
    return wire;
  }

  async function connect(wire: RoughWire, room: string): Promise<Presence> {
    const { token, join } = harness;
    return stage.connect("bridge", room, { at: { url: wire.url, token, join } });
  }

  async function meet(weather: Partial<Weather> = {}): Promise<Scene> {
    const wire = await layWire(weather);
    const room = stage.freshRoom();
    const [bridge, phone] = await Promise.all([connect(wire, room), stage.join("phone", room)]);
    return { wire, room, bridge, phone };
  }

  /** Numbered packets, reliable, 50 a second. */
  async function speak({ phone }: Scene, numbers: readonly number[]): Promise<void> {
    for (const number of numbers) {
      await phone.publishData(bytes(number >> 8, number & 0xff));
      await sleep(20);
    }
  }

  async function allArrive({ bridge }: Scene, numbers: readonly number[]): Promise<void> {
    await eventually(() => expect(numbersOf(bridge)).toEqual(numbers), ARRIVAL_MAX_MS);
  }

  async function expectTone({ bridge, phone }: Scene): Promise<void> {
    const source = createToneSource(TONE_HZ);
    source.play(2000);
    const track = await bridge.room.publishTrack("speaker", MONO, source);
    const heard = analyse(await phone.hear("speaker", 1500));
    expect(Math.abs(heard.frequencyHz - TONE_HZ)).toBeLessThan(20);
    expect(heard.durationMs).toBeGreaterThan(800);
    await track.close();
  }

  describe.concurrent("that goes on", { timeout: TEST_TIMEOUT_MS }, () => {
    test.for([0.05, 0.2])("and loses a share of %d: reliable packets arrive, in order and once", async (lossShare) => {
      const scene = await meet({ lossShare, delayMs: 50, jitterMs: 20 });
      await speak(scene, upTo(100));
      await allArrive(scene, upTo(100));
      expect(scene.wire.udp.counts.lost).toBeGreaterThan(0);
      expect(scene.bridge.heard.changes).toEqual([]);
    });

    test("and loses a packet of twenty: a tone is heard all the same", async () => {
      const scene = await meet({ lossShare: 0.05, delayMs: 50, jitterMs: 20 });
      await expectTone(scene);
    });

    test("and confuses the order and says things twice: reliable packets arrive, in order and once", async () => {
      const scene = await meet({ overtakenShare: 0.2, delayMs: 20 });
      // Not while it joins: libjuice 1.7 takes the double of an answer for that to a question it has not asked yet, and waits for ever.
      scene.wire.udp.set({ overtakenShare: 0.2, delayMs: 20, duplicateShare: 0.2 });
      await speak(scene, upTo(100));
      await allArrive(scene, upTo(100));
      expect(scene.wire.udp.counts).toMatchObject({
        overtaken: expect.toSatisfy((count: number) => count > 10),
        duplicated: expect.toSatisfy((count: number) => count > 10),
      });
      await expectTone(scene);
    });

    test("and loses a packet of ten: twenty joins of twenty succeed", async () => {
      const wire = await layWire({ lossShare: 0.1, delayMs: 50, jitterMs: 20 });
      const joinFiveTimes = async () => {
        for (const _ of upTo(5)) await (await connect(wire, stage.freshRoom())).room.close();
      };
      await Promise.all(upTo(4).map(joinFiveTimes));
      expect(wire.udp.counts.lost).toBeGreaterThan(20);
    });
  });

  describe.concurrent("that stops", { timeout: TEST_TIMEOUT_MS }, () => {
    test("for three seconds: the room stays, and what was said meanwhile arrives", async () => {
      const scene = await meet();
      await speak(scene, upTo(50));
      scene.wire.udp.cut();
      await speak(scene, upTo(200).slice(50));
      expect(numbersOf(scene.bridge).length).toBeLessThanOrEqual(50);
      scene.wire.udp.heal();
      await speak(scene, upTo(250).slice(200));
      await allArrive(scene, upTo(250));
      expect(scene.bridge.heard).toMatchObject({ changes: [], ended: [], left: [] });
    });

    test("for longer than ICE has patience: the room is lost and regained, and packets flow again", async () => {
      const scene = await meet();
      await speak(scene, upTo(10));
      await allArrive(scene, upTo(10));
      scene.wire.udp.cut();
      await sleep(ICE_PATIENCE_MS + 2000);
      scene.wire.udp.heal();
      await eventually(async () => {
        await scene.phone.publishData(bytes(1, 0));
        await sleep(100);
        expect(numbersOf(scene.bridge)).toContain(256);
      }, ARRIVAL_MAX_MS);
      expect(scene.bridge.heard.changes).toContain("reconnecting");
      expect(scene.bridge.heard.changes.at(-1)).toBe("reconnected");
      expect(scene.bridge.heard.ended).toEqual([]);
    });
  });
});
