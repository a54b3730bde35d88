// The wall clock is set by people and by time servers. Durations are none of its business.

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { BridgeHarness } from "../support/embedded-bridge.js";
import { startEmbeddedBridge } from "../support/embedded-bridge.js";
import type { SimulatedClock } from "../support/simulated-clock.js";
import { createSimulatedClock } from "../support/simulated-clock.js";

const HOUR_MS = 3_600_000;

describe("a wall clock that jumps", () => {
  let clock: SimulatedClock;
  let harness: BridgeHarness;
  let jumpMs: number;
  beforeEach(async () => {
    jumpMs = 0;
    clock = createSimulatedClock();
    const startMs = clock.wallNow();
    const { now, setTimeout, clearTimeout } = clock;
    const wallNow = () => startMs + clock.now() + jumpMs;
    harness = await startEmbeddedBridge({ clock: { now, setTimeout, clearTimeout, wallNow } });
  });
  afterEach(async () => {
    vi.useRealTimers();
    const stopping = harness.stop();
    await settle(() => harness.engine.counts().rooms === 0);
    await clock.advance(2000);
    await stopping;
    expect(harness.failures).toEqual([]);
  });

  /** Moves the injected wall clock and that of the process, which libraries read. */
  function jump(ms: number): void {
    jumpMs += ms;
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ms });
  }

  async function settle(check: () => boolean): Promise<void> {
    for (let i = 0; i < 2000; i += 1) {
      if (check()) return;
      await clock.advance(1);
    }
    throw new Error("it did not come to pass");
  }

  async function join(user: string) {
    const joining = harness.client.join(await harness.params(user));
    await settle(() => harness.bridge.backend.status(user).isConnected);
    expect((await joining).success).toBe(true);
  }

  async function attach(user: string) {
    await join(user);
    const before = harness.bridge.backend.counts().streams;
    const stream = harness.client.stream(user);
    await settle(() => harness.bridge.backend.counts().streams === before + 1);
    return stream;
  }

  test.each([
    ["forwards", HOUR_MS],
    ["back", -HOUR_MS],
  ])("an hour %s ends nobody early and keeps nobody longer", async (_case, ms) => {
    const beats = await attach("alice");
    const beat = async (number: number) => {
      beats.heartbeat();
      await settle(() => harness.bridge.backend.stats().heartbeatsIn === number);
    };
    for (let i = 1; i <= 3; i += 1) await beat(i);
    // So that the limit is looked at once before it has passed.
    await clock.advance(10_000);
    await join("zombie");
    await beat(4);
    jump(ms);
    // Both have 30 s: one since its last heartbeat, one since its join.
    await clock.advance(29_000);
    expect(harness.bridge.backend.counts()).toMatchObject({ sessions: 2, streams: 1, connected: 2 });
    expect(beats.isEnded()).toBe(false);
    await clock.advance(1500);
    await settle(() => harness.bridge.backend.counts().sessions === 0);
    expect((await beats.ended).metadata.get("bridge-end-reason")).toEqual(["inactivity"]);
  });

  test("does not stop audio or new joins", async () => {
    const stream = await attach("alice");
    const phone = await harness.rooms.join({ identity: "alice", room: "alice" });
    for (const ms of [HOUR_MS, -2 * HOUR_MS, HOUR_MS]) {
      jump(ms);
      const count = stream.chunks.length;
      await phone.publishData(Buffer.alloc(640, 1));
      await settle(() => stream.chunks.length === count + 1);
      await join(`user${ms}`);
    }
    expect(stream.isEnded()).toBe(false);
  });
});
