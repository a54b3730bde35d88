import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import type { AudioChunkMessage } from "../../../src/client/wire/messages.js";
import { UplinkQueue } from "../../../src/client/wire/uplink-queue.js";
import { createSimulatedClock } from "../../support/simulated-clock.js";

const SECOND_BYTES = 32_000;

/** Takes as many messages as it has room for, as a stream of Node does: false with the last of them, `drain` when all are gone. */
class FakeCall extends EventEmitter {
  readonly written: AudioChunkMessage[] = [];
  room = Infinity;
  #held = 0;

  write(message: AudioChunkMessage): boolean {
    this.written.push(message);
    this.#held += 1;
    return this.#held < this.room;
  }

  drain(): void {
    this.#held = 0;
    this.emit("drain");
  }
}

function queueOn(call: FakeCall, maxMs = 1000): UplinkQueue {
  return new UplinkQueue(call as never, "alice", createSimulatedClock({ wallStartMs: 5000 }), maxMs);
}

const sizes = (call: FakeCall) => call.written.map(({ pcm_data }) => pcm_data.length);

test("what the call takes goes at once; what it does not take waits, in order, up to the bound", () => {
  const call = new FakeCall();
  call.room = 2;
  const queue = queueOn(call, 1000);
  const taken = Array.from({ length: 20 }, (_, at) => queue.push(Buffer.alloc(3200, at), {}));
  // Two are with the call, ten make up the second that may wait.
  expect(taken).toEqual([...Array<boolean>(12).fill(true), ...Array<boolean>(8).fill(false)]);
  expect(call.written).toHaveLength(2);
  for (let nth = 0; nth < 10; nth += 1) call.drain();
  expect(call.written.map(({ pcm_data }) => pcm_data[0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

test("there is room again when half of the bound is free", async () => {
  const call = new FakeCall();
  call.room = 1;
  const queue = queueOn(call, 1000);
  while (queue.push(Buffer.alloc(3200), {}));
  let isReady: boolean | undefined;
  const ready = queue.hasRoom(undefined).then((value) => (isReady = value));
  for (let nth = 0; nth < 5; nth += 1) call.drain();
  await Promise.resolve();
  expect(isReady).toBe(undefined);
  call.drain();
  expect(await ready).toBe(true);
});

test("whoever waits for room hears when the stream is over", async () => {
  const call = new FakeCall();
  call.room = 1;
  const queue = queueOn(call);
  while (queue.push(Buffer.alloc(3200), {}));
  const ready = queue.hasRoom(undefined);
  queue.close();
  expect([await ready, queue.push(Buffer.alloc(2), {}), await queue.hasRoom(undefined)]).toEqual([false, false, false]);
  call.drain();
  expect(call.written).toHaveLength(1);
});

test("a heartbeat that is due while nothing is taken goes before the audio that waits", () => {
  const call = new FakeCall();
  call.room = 2;
  const queue = queueOn(call);
  for (let nth = 0; nth < 6; nth += 1) queue.push(Buffer.alloc(3200), {});
  queue.beat();
  queue.beat();
  expect(sizes(call)).toEqual([3200, 3200]);
  call.drain();
  expect(sizes(call)).toEqual([3200, 3200, 0, 3200]);
  call.drain();
  expect(sizes(call)).toEqual([3200, 3200, 0, 3200, 3200, 3200]);
});

test("a long clip never stands as more than a tenth of a second before a heartbeat, for each message the call holds", () => {
  const call = new FakeCall();
  const queue = queueOn(call);
  queue.push(Buffer.alloc(SECOND_BYTES), {});
  queue.push(Buffer.alloc(SECOND_BYTES), { sampleRate: 48_000, channels: 2 });
  for (const { pcm_data, sample_rate, channels } of call.written) {
    expect(pcm_data.length / (sample_rate * channels * 2)).toBeLessThanOrEqual(0.1);
    expect(pcm_data.length % (2 * channels)).toBe(0);
  }
  expect(sizes(call).reduce((a, b) => a + b)).toBe(2 * SECOND_BYTES);
});

test("audio is stamped when it goes, not when it was given", () => {
  const call = new FakeCall();
  queueOn(call).push(Buffer.alloc(2), {});
  expect(call.written[0]).toMatchObject({ timestamp_ms: 5000, user_id: "alice", sample_rate: 16_000, channels: 1 });
});

test.each([
  [{ sampleRate: 0 }, "sampleRate"],
  [{ sampleRate: NaN }, "sampleRate"],
  [{ channels: -1 }, "channels"],
  [{ trackId: -1 }, "trackId"],
])("a format of %o is refused", (format, field) => {
  const call = new FakeCall();
  expect(() => queueOn(call).push(Buffer.alloc(2), format)).toThrow(field);
  expect(call.written).toEqual([]);
});
