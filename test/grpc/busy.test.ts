// What an honest but heavy load may cost: chunks of strange sizes, bursts, and a hundred streams that are busy.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { watchLoop } from "../audio/decode/harness.js";
import type { BridgeHarness } from "../support/embedded-bridge.js";
import { startEmbeddedBridge } from "../support/embedded-bridge.js";
import { eventually } from "../support/eventually.js";
import { tone } from "../support/tone.js";

const BLOCK_MAX_MS = 20;
const TRIES = 5;

describe("under load", () => {
  let harness: BridgeHarness;
  beforeEach(async () => {
    harness = await startEmbeddedBridge({ env: { LOG_LEVEL: "silent" } });
  });
  afterEach(async () => {
    await harness.stop();
    expect(harness.failures).toEqual([]);
  });

  async function attach(user: string) {
    const phone = await harness.rooms.join({ identity: user, room: user });
    expect((await harness.client.join(await harness.params(user))).success).toBe(true);
    const stream = harness.client.stream(user);
    await stream.metadata;
    return { phone, stream };
  }

  const uplinkBytes = () => harness.bridge.backend.stats().uplinkBytesIn;

  test.each([
    ["of no sample", Buffer.alloc(0), 500],
    ["of half a sample", Buffer.alloc(1), 500],
    ["of one sample", Buffer.alloc(2), 500],
    [
      "of a hundred seconds",
      Buffer.from(tone({ frequencyHz: 440, durationMs: 100_000, sampleRateHz: 16_000 }).buffer),
      1,
    ],
  ])(
    "a chunk %s holds the event loop 20 ms at most beyond what its bytes cost on the wire",
    async (_case, pcm, count) => {
      // Client and server share the loop: what it takes to write and read as many bytes is the control's, whose user nobody
      // knows, so that they go no further.
      const unheard = async () => {
        const stream = harness.client.stream("nobody");
        for (let i = 0; i < count; i += 1) stream.send(pcm);
        await stream.ended;
      };
      const heard = async (user: string) => {
        const { stream } = await attach(user);
        const before = uplinkBytes();
        const heartbeats = harness.bridge.backend.stats().heartbeatsIn;
        const stop = watchLoop();
        for (let i = 0; i < count; i += 1) stream.send(pcm);
        await eventually("all of it taken", () =>
          pcm.length > 0
            ? uplinkBytes() - before >= pcm.length * count
            : harness.bridge.backend.stats().heartbeatsIn - heartbeats === count,
        );
        // Half a second of playing it, too.
        await new Promise((resolve) => setTimeout(resolve, 500));
        const blockMs = stop();
        expect(stream.isEnded()).toBe(false);
        await harness.client.leave(user);
        return blockMs;
      };
      let beyondMs = Infinity;
      for (let i = 0; i < TRIES && beyondMs > BLOCK_MAX_MS; i += 1) {
        const stop = watchLoop();
        await unheard();
        const controlMs = stop();
        beyondMs = Math.min(beyondMs, (await heard(`user-${i}`)) - controlMs);
      }
      console.log(`a chunk ${_case}: ${beyondMs.toFixed(1)} ms beyond its control`);
      expect(beyondMs).toBeLessThan(BLOCK_MAX_MS);
    },
  );

  test("a thousand packets a second reach a healthy reader, none lost, in order", async () => {
    const { phone, stream } = await attach("alice");
    for (let tick = 0; tick < 100; tick += 1) {
      for (let i = 0; i < 20; i += 1) await phone.publishData(numbered(tick * 20 + i));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await eventually("all of them", () => stream.chunks.length === 2000);
    expectInOrder(stream.chunks, 2000);
    expect(harness.bridge.backend.stats()).toMatchObject({ packetsDropped: 0, packetsLost: 0 });
  });

  test("four packets in 5 ms and then nothing for 300 ms reach a healthy reader, each burst at once, none lost", async () => {
    const { phone, stream } = await attach("alice");
    const delaysMs: number[] = [];
    for (let burst = 0; burst < 6; burst += 1) {
      const startMs = performance.now();
      for (let i = 0; i < 4; i += 1) await phone.publishData(numbered(burst * 4 + i));
      await eventually("the burst", () => stream.chunks.length === burst * 4 + 4);
      delaysMs.push(performance.now() - startMs);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expectInOrder(stream.chunks, 24);
    // Forwarded as it came: a pacer would have stretched four packets of 100 ms over 300 ms.
    expect(Math.min(...delaysMs)).toBeLessThan(100);
    expect(harness.bridge.backend.stats()).toMatchObject({ packetsDropped: 0, packetsLost: 0 });
  });

  test("a health check takes less than 100 ms more while a hundred streams are busy both ways", async () => {
    const client = harness.connect();
    const ask = async () => {
      const startMs = performance.now();
      expect((await client.health()).status).toBe("SERVING");
      return performance.now() - startMs;
    };
    const askTenTimes = async () => {
      const tookMs: number[] = [];
      for (let i = 0; i < 10; i += 1) tookMs.push(await ask());
      return tookMs.toSorted((a, b) => a - b);
    };
    const control = await askTenTimes();
    const users = await Promise.all(Array.from({ length: 100 }, (_, i) => attach(`user-${i}`)));
    const timer = setInterval(() => {
      for (const { phone, stream } of users) {
        void phone.publishData(Buffer.alloc(3200, 1));
        stream.send(Buffer.alloc(3200, 1));
      }
    }, 100);
    await eventually("audio everywhere", () => users.every(({ stream }) => stream.chunks.length > 3));
    const controlMs = control[5] ?? 0;
    let busyMs = Infinity;
    for (let i = 0; i < TRIES && busyMs - controlMs >= 100; i += 1) {
      const busy = await askTenTimes();
      busyMs = Math.min(busyMs, busy[5] ?? Infinity);
    }
    clearInterval(timer);
    console.log(`health check: ${controlMs.toFixed(1)} ms alone, ${busyMs.toFixed(1)} ms beside a hundred streams`);
    expect(busyMs - controlMs).toBeLessThan(100);
    expect(users.some(({ stream }) => stream.isEnded())).toBe(false);
  });
});

function numbered(number: number): Buffer {
  const payload = Buffer.alloc(640);
  payload.writeUInt32LE(number);
  return payload;
}

function expectInOrder(chunks: readonly { readonly pcm_data: Buffer }[], count: number): void {
  expect(chunks.map(({ pcm_data }) => pcm_data.readUInt32LE())).toEqual(Array.from({ length: count }, (_, i) => i));
}
