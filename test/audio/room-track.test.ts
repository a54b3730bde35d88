import { beforeAll, describe, expect, test } from "vitest";
import type { CreateResampler } from "../../src/audio/resampler.js";
import { loadResampler } from "../../src/audio/resampler.js";
import { RoomTrack } from "../../src/audio/room-track.js";
import type { FrameSource, PublishedTrack, Room } from "../../src/livekit/room.js";

const FORMAT = { sampleRateHz: 48_000, channels: 1 } as const;
const BEEP = new Uint8Array(960).fill(1);

let createResampler: CreateResampler;
beforeAll(async () => {
  createResampler = await loadResampler();
});

function createScene() {
  const scene = {
    nowMs: 0,
    published: 0,
    closed: 0,
    faults: [] as unknown[],
    source: undefined as FrameSource | undefined,
  };
  const room: Pick<Room, "publishTrack"> = {
    async publishTrack(name, _format, source): Promise<PublishedTrack> {
      scene.published += 1;
      scene.source = source;
      return {
        name,
        wake() {},
        async close() {
          scene.closed += 1;
        },
      };
    },
  };
  const track = new RoomTrack({
    name: "speaker",
    room: room as Room,
    format: FORMAT,
    createResampler,
    queueMaxMs: 10_000,
    retryAfterMs: 5000,
    now: () => scene.nowMs,
    fault: (error) => scene.faults.push(error),
    drained() {},
    publishFailed() {},
    dropped() {},
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const pull = () => scene.source?.read(new Int16Array(480));
  return Object.assign(scene, { track, settle, pull });
}

describe("a track of the room", () => {
  test("is published with its first sound and kept while it is used", async () => {
    const scene = createScene();
    for (let second = 0; second < 120; second += 20) {
      scene.nowMs = second * 1000;
      scene.track.play(BEEP, FORMAT);
      await scene.settle();
      expect(scene.pull()).toBe(480);
    }
    expect([scene.published, scene.closed]).toEqual([1, 0]);
  });

  test("that has rested is published anew for its next sound, the old one taken down first", async () => {
    const scene = createScene();
    scene.track.play(BEEP, FORMAT);
    await scene.settle();
    scene.pull();
    scene.nowMs = 25_000;
    scene.track.play(BEEP, FORMAT);
    expect([scene.published, scene.closed]).toEqual([1, 1]);
    await scene.settle();
    expect([scene.published, scene.closed]).toEqual([2, 1]);
    expect(scene.pull()).toBe(480);
    scene.nowMs = 60_000;
    const playback = scene.track.attach({ read: () => 0 }, () => {});
    await scene.settle();
    expect([scene.published, scene.closed]).toEqual([3, 2]);
    playback.detach();
  });

  test("that is closed while it is renewed is not published again", async () => {
    const scene = createScene();
    scene.track.play(BEEP, FORMAT);
    await scene.settle();
    scene.nowMs = 30_000;
    scene.track.play(BEEP, FORMAT);
    scene.track.close();
    await scene.settle();
    expect([scene.published, scene.closed]).toEqual([1, 1]);
  });

  test("keeps what its sources throw from the pacer that serves everybody", async () => {
    const scene = createScene();
    scene.track.attach(
      {
        read() {
          throw new Error("injected");
        },
      },
      () => {},
    );
    await scene.settle();
    expect(scene.pull()).toBe(0);
    expect(scene.faults).toHaveLength(1);
  });
});
