// "Connected" says nothing about audio. How long ago somebody was heard does.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { BridgeHarness } from "../support/embedded-bridge.js";
import { startEmbeddedBridge } from "../support/embedded-bridge.js";
import type { SimulatedClock } from "../support/simulated-clock.js";
import { createSimulatedClock } from "../support/simulated-clock.js";

describe("a session whose room says nothing", () => {
  let clock: SimulatedClock;
  let harness: BridgeHarness;
  beforeEach(async () => {
    clock = createSimulatedClock();
    harness = await startEmbeddedBridge({ clock });
  });
  afterEach(async () => {
    const stopping = harness.stop();
    await settle(() => harness.engine.counts().rooms === 0);
    await clock.advance(2000);
    await stopping;
    expect(harness.failures).toEqual([]);
  });

  async function settle(check: () => boolean): Promise<void> {
    for (let i = 0; i < 2000; i += 1) {
      if (check()) return;
      await clock.advance(1);
    }
    throw new Error("it did not come to pass");
  }

  const counted = async () => {
    const { active_sessions, metadata } = await harness.client.health();
    return { sessions: active_sessions, silent: Number(metadata["sessions_silent"]) };
  };

  test("is counted as silent by HealthCheck until it speaks, and again ten seconds after its last word", async () => {
    const { client, rooms, params, bridge } = harness;
    const phone = await rooms.join({ identity: "alice", room: "alice" });
    const joining = client.join(await params("alice"));
    await settle(() => bridge.backend.status("alice").isConnected);
    expect((await joining).success).toBe(true);
    const stream = client.stream("alice");
    await settle(() => bridge.backend.counts().streams === 1);
    expect(await counted()).toEqual({ sessions: 1, silent: 1 });
    await phone.publishData(Buffer.alloc(640, 1));
    await settle(() => stream.chunks.length === 1);
    expect(await counted()).toEqual({ sessions: 1, silent: 0 });
    await clock.advance(9500);
    expect(await counted()).toEqual({ sessions: 1, silent: 0 });
    await clock.advance(1000);
    // The flags still say that all is well.
    expect(await client.status("alice")).toMatchObject({ connected: true });
    expect(stream.isEnded()).toBe(false);
    expect(await counted()).toEqual({ sessions: 1, silent: 1 });
  });

  test("is not counted once it has been left", async () => {
    const { client, params, bridge } = harness;
    const joining = client.join(await params("alice"));
    await settle(() => bridge.backend.status("alice").isConnected);
    expect((await joining).success).toBe(true);
    const leaving = client.leave("alice");
    await settle(() => bridge.backend.counts().sessions === 0);
    expect((await leaving).success).toBe(true);
    expect(await counted()).toEqual({ sessions: 0, silent: 0 });
  });
});
