import { afterEach, describe, expect, test } from "vitest";
import type { BridgeHarness } from "../support/embedded-bridge.js";
import { startEmbeddedBridge } from "../support/embedded-bridge.js";
import { eventually } from "../support/eventually.js";

describe("a connect that was given up and still comes through", () => {
  let harness: BridgeHarness;
  afterEach(async () => {
    await harness.stop();
    expect(harness.failures).toEqual([]);
  });

  test("puts the user's newer session out, whose client is told to come back; a real theft is still a theft", async () => {
    harness = await startEmbeddedBridge({ env: { BRIDGE_PREDECESSOR_TIMEOUT_MS: "100" } });
    const { client, rooms, params } = harness;
    // The address tells the first connect from the second, which is not held.
    const livekit_url = `${rooms.url}/slow`;
    const hold = rooms.faults.holdConnects({ url: livekit_url }, { forMs: 600 });
    const first = client.join(await params("alice", { livekit_url }));
    await eventually("the first connect", () => hold.caught === 1);
    const second = client.join(await params("alice"));
    expect((await first).error).toBe("failed to connect to room: superseded by a newer join");
    expect((await second).success).toBe(true);
    const stream = client.stream("alice");
    const status = await stream.ended;
    expect(status.metadata.get("bridge-end-reason")).toEqual(["connection_lost"]);
    expect(status.code).toBe(14);
    hold.lift();
    await eventually("nothing under way", () => harness.engine.counts().connecting === 0);
    await new Promise((resolve) => setTimeout(resolve, 2100));
    expect((await client.join(await params("alice"))).success).toBe(true);
    const next = client.stream("alice");
    await next.metadata;
    const thief = await rooms.join({ identity: "cloud-agent:alice", room: "alice" });
    expect((await next.ended).metadata.get("bridge-end-reason")).toEqual(["duplicate_identity"]);
    await thief.leave();
  });

  test("a connect that LiveKit had refused cannot come late: who takes the identity soon after it is a thief", async () => {
    harness = await startEmbeddedBridge();
    const { client, rooms, params } = harness;
    const refusal = rooms.faults.refuseConnects({ identity: "cloud-agent:alice" });
    expect((await client.join(await params("alice"))).success).toBe(false);
    refusal.lift();
    expect((await client.join(await params("alice"))).success).toBe(true);
    const stream = client.stream("alice");
    await stream.metadata;
    const thief = await rooms.join({ identity: "cloud-agent:alice", room: "alice" });
    expect((await stream.ended).metadata.get("bridge-end-reason")).toEqual(["duplicate_identity"]);
    await thief.leave();
  });
});
