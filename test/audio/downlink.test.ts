import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createAudioStats } from "../../src/audio/audio-stats.js";
import { Downlink } from "../../src/audio/downlink.js";
import type { DownlinkSink } from "../../src/audio/downlink.js";
import { PacketQueue } from "../../src/audio/packet-queue.js";
import { SequenceCounter } from "../../src/audio/sequence.js";

const LIMITS = { packetsMax: 200, bytesMax: 256 * 1024 };

function createScene(limits = LIMITS) {
  const stats = createAudioStats();
  const scene = { nowMs: 0, overflows: 0, stats };
  const downlink = new Downlink({
    limits,
    keptMaxMs: 1000,
    stats,
    now: () => scene.nowMs,
    overflowed: () => {
      scene.overflows += 1;
    },
  });
  const push = (payload: Uint8Array) => downlink.push(payload, scene.nowMs);
  return Object.assign(scene, { downlink, push });
}

/** A transport that takes a chunk only when told to. */
function createSink() {
  const written: Uint8Array[] = [];
  const pending: (() => void)[] = [];
  const sink: DownlinkSink = {
    write(payload, taken) {
      written.push(payload);
      pending.push(taken);
    },
  };
  return { sink, written, take: () => pending.shift()?.(), outstanding: () => pending.length };
}

const packet = (mark: number, length = 640) => Buffer.alloc(length, mark);

describe("downlink", () => {
  test("one write at most is with the transport; the rest waits, in order", () => {
    const { downlink, push } = createScene();
    const { sink, written, take, outstanding } = createSink();
    downlink.attach(sink);
    for (let i = 0; i < 5; i += 1) push(packet(i));
    expect([written.length, outstanding(), downlink.queueLength]).toEqual([1, 1, 4]);
    for (let i = 0; i < 5; i += 1) take();
    expect(written.map((payload) => payload[0])).toEqual([0, 1, 2, 3, 4]);
  });

  test("beyond 200 packets the oldest goes, is counted, and is told", () => {
    const scene = createScene();
    const { sink, written, take } = createSink();
    scene.downlink.attach(sink);
    for (let i = 0; i < 211; i += 1) scene.push(packet(i));
    expect(scene.stats).toMatchObject({ packetsDropped: 10, bytesDropped: 6400 });
    expect(scene.overflows).toBe(10);
    take();
    expect(written.map((payload) => payload[0])).toEqual([0, 11]);
  });

  test("beyond 256 KiB the oldest goes, however few packets they are", () => {
    const { downlink, push, stats } = createScene();
    downlink.attach(createSink().sink);
    for (let i = 0; i < 6; i += 1) push(packet(i, 60_000));
    expect(stats.packetsDropped).toBe(1);
    expect(downlink.queueLength).toBe(4);
  });

  test("while nobody is attached the last second is kept; what is older goes silently", () => {
    const scene = createScene();
    for (let i = 0; i < 100; i += 1) {
      scene.nowMs = i * 20;
      scene.push(packet(i));
    }
    expect(scene.overflows).toBe(0);
    const { sink, written, take } = createSink();
    scene.downlink.attach(sink);
    while (scene.downlink.queueLength > 0) take();
    expect(written.map((payload) => payload[0])).toEqual(Array.from({ length: 51 }, (_, i) => i + 49));
    expect(scene.stats).toMatchObject({ packetsDropped: 0, packetsExpired: 49 });
  });

  test("a burst of four in 5 ms and then nothing for 300 ms loses nothing with a healthy reader", () => {
    const scene = createScene();
    const { sink, written, take } = createSink();
    scene.downlink.attach(sink);
    for (let burst = 0; burst < 50; burst += 1) {
      for (let i = 0; i < 4; i += 1) scene.push(packet(i));
      for (let i = 0; i < 4; i += 1) take();
      scene.nowMs += 300;
    }
    expect(written).toHaveLength(200);
    expect(scene.stats.packetsDropped).toBe(0);
  });

  test("an empty packet, and one of a single byte, is ignored; of an odd one the first byte is dropped", () => {
    const { downlink, push, stats } = createScene();
    const { sink, written } = createSink();
    downlink.attach(sink);
    push(Buffer.alloc(0));
    push(Buffer.from([9]));
    push(Buffer.from([10, 1, 2]));
    expect(written).toEqual([Buffer.from([1, 2])]);
    expect(stats).toMatchObject({ packetsIn: 1, bytesIn: 2 });
  });

  test("an echo goes ahead of the queue and counts as no packet", () => {
    const { downlink, push, stats } = createScene();
    const { sink, written, take } = createSink();
    downlink.attach(sink);
    push(packet(1));
    push(packet(2));
    downlink.echo();
    take();
    expect(written.map(({ length }) => length)).toEqual([640, 0]);
    take();
    take();
    expect(stats.packetsOut).toBe(2);
  });

  test("what waited for a slow stream is the next one's when that follows at once", () => {
    const scene = createScene();
    const slow = createSink();
    scene.downlink.attach(slow.sink);
    for (let i = 0; i < 95; i += 1) {
      scene.push(packet(i));
      scene.nowMs += 20;
    }
    scene.downlink.detach(slow.sink);
    const fresh = createSink();
    scene.downlink.attach(fresh.sink);
    while (scene.downlink.queueLength > 0) fresh.take();
    expect(fresh.written).toHaveLength(94);
    expect(scene.stats.packetsExpired).toBe(0);
  });

  test("without a stream too much goes as silently as too old", () => {
    const scene = createScene();
    for (let i = 0; i < 300; i += 1) scene.push(packet(i));
    expect(scene.overflows).toBe(0);
    expect(scene.stats).toMatchObject({ packetsDropped: 0, packetsExpired: 100 });
  });

  test("what an old sink still reports changes nothing for the new one", () => {
    const { downlink, push } = createScene();
    const old = createSink();
    const fresh = createSink();
    downlink.attach(old.sink);
    push(packet(1));
    downlink.attach(fresh.sink);
    push(packet(2));
    push(packet(3));
    old.take();
    downlink.detach(old.sink);
    expect(fresh.written).toHaveLength(1);
    fresh.take();
    expect(fresh.written.map((payload) => payload[0])).toEqual([2, 3]);
  });

  test("bytes in are bytes out, dropped, expired or waiting, whatever happens", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("push" as const), length: fc.integer({ min: 0, max: 70_000 }) }),
      fc.record({
        kind: fc.constantFrom("take" as const, "attach" as const, "detach" as const),
        length: fc.constant(0),
      }),
      fc.record({ kind: fc.constant("wait" as const), length: fc.integer({ min: 0, max: 1500 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const scene = createScene({ packetsMax: 10, bytesMax: 100_000 });
        let current = createSink();
        for (const { kind, length } of steps) {
          if (kind === "push") scene.push(Buffer.alloc(length));
          if (kind === "take") current.take();
          if (kind === "wait") scene.nowMs += length;
          if (kind === "detach") scene.downlink.detach(current.sink);
          if (kind === "attach") {
            current = createSink();
            scene.downlink.attach(current.sink);
          }
          expect(scene.downlink.queueLength).toBeLessThanOrEqual(10);
        }
        scene.downlink.close();
        const { bytesIn, bytesOut, bytesDropped, bytesExpired } = scene.stats;
        expect(bytesOut + bytesDropped + bytesExpired).toBe(bytesIn);
      }),
    );
  });
});

describe("packet queue", () => {
  test("keeps what an array would keep", () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.integer({ min: 1, max: 50 })), { maxLength: 600 }), (steps) => {
        const queue = new PacketQueue({ packetsMax: 20, bytesMax: 300 });
        const model: number[] = [];
        for (const length of steps) {
          if (length === null) expect(queue.shift()?.payload.length).toBe(model.shift());
          else {
            queue.push({ payload: Buffer.alloc(length), atMs: 0 });
            model.push(length);
            while (model.length > 20 || model.reduce((sum, bytes) => sum + bytes, 0) > 300) model.shift();
          }
          expect(queue.length).toBe(model.length);
          expect(queue.bytes).toBe(model.reduce((sum, bytes) => sum + bytes, 0));
        }
      }),
    );
  });
});

describe("sequence counter", () => {
  test.each([
    [
      [1, 2, 3],
      [0, 0, 0],
    ],
    [
      [1, 4, 5],
      [0, 2, 0],
    ],
    [
      [254, 255, 0, 1],
      [0, 0, 0, 0],
    ],
    [
      [1, 2, 4, 3, 5],
      [0, 0, 1, -1, 0],
    ],
    [
      [7, 7],
      [0, -1],
    ],
  ])("of %j says %j", (sequence, expected) => {
    const counter = new SequenceCounter();
    expect(sequence.map((value) => counter.next(value))).toEqual(expected);
  });
});
