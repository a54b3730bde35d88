// A rig for one test, and what must hold at the end of every test, whatever it was about.

import { afterEach, beforeAll, expect, vi } from "vitest";
import type { FakeJoinReply, FakeStreamPort } from "./ports.js";
import type { Rig, RigOptions } from "./rig.js";
import { createRig } from "./rig.js";

/** Makes rigs, and checks after each test that theirs broke no rule and left nothing behind. */
export function rigPerTest(): (options?: RigOptions) => Promise<Rig> {
  const rigs: Rig[] = [];
  afterEach(async () => {
    for (const rig of rigs.splice(0)) await expectNothingLeft(rig);
  });
  return async (options) => {
    const rig = await createRig(options);
    rigs.push(rig);
    return rig;
  };
}

export async function expectNothingLeft(rig: Rig): Promise<void> {
  const timersLeft = await rig.stop();
  expect(rig.failures).toEqual([]);
  expect(rig.violations).toEqual([]);
  expect(rig.engine.counts()).toEqual({ rooms: 0, connecting: 0, tracks: 0 });
  expect(rig.rooms.roomNames).toEqual([]);
  expect(rig.supervisor.getSnapshot().status).toBe("done");
  expect(timersLeft).toBe(0);
  for (const media of rig.medias.values()) {
    const { packetsIn, packetsOut, packetsDropped, packetsExpired } = media.stats;
    expect(packetsOut + packetsDropped + packetsExpired).toBe(packetsIn);
  }
}

/** XState's development build warns of every event for an actor that has ended, which broken parts bring about at will. */
export function muteStoppedActors(): void {
  beforeAll(() => {
    const { warn } = console;
    const spy = vi.spyOn(console, "warn").mockImplementation((...texts) => {
      if (!String(texts[0]).includes("was sent to stopped actor")) warn(...texts);
    });
    return () => spy.mockRestore();
  });
}

export interface LiveUser {
  readonly reply: FakeJoinReply;
  readonly stream: FakeStreamPort;
}

/** Joins and opens a stream. */
export async function goLive(rig: Rig, user: string): Promise<LiveUser> {
  const reply = await rig.join(user);
  await rig.settle();
  expect(reply.answer).toBe("success");
  const stream = rig.open(user);
  await rig.settle();
  return { reply, stream };
}

/** Moves time to 1 ms before the limit, looks, and crosses it. */
export async function cross(rig: Rig, ms: number, expectUnchanged: () => void): Promise<void> {
  await rig.clock.advance(ms - 1);
  expectUnchanged();
  await rig.clock.advance(1);
}
