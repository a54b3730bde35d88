// A defect of our own in what runs after a call has begun: one call pays for it, at once.

import { Metadata } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import type { BridgeHarness } from "../support/embedded-bridge.js";
import { useEmbeddedBridge } from "../support/embedded-bridge.js";
import { eventually } from "../support/eventually.js";

const INTERNAL = 13;
const ANSWER_MAX_MS = 1000;

describe("a handler that throws after its call has begun", () => {
  let harness: BridgeHarness;
  useEmbeddedBridge((started) => {
    harness = started;
  });

  const crashes = async () => Number((await harness.client.health()).metadata["crashes"]);

  /** Breaks what every event goes through, for as long as `work` takes. */
  async function broken<Result>(work: () => Promise<Result>): Promise<Result> {
    const { backend } = harness.bridge;
    const { send } = backend;
    backend.send = () => {
      throw new Error("injected");
    };
    try {
      return await work();
    } finally {
      backend.send = send;
    }
  }

  test("answers INTERNAL when the first chunk opens the stream, and is counted", async () => {
    await harness.client.join(await harness.params("bob"));
    const bystander = harness.client.stream("bob");
    await bystander.metadata;
    const startMs = performance.now();
    const status = await broken(() => harness.client.stream("alice").ended);
    expect(status.code).toBe(INTERNAL);
    expect(performance.now() - startMs).toBeLessThan(ANSWER_MAX_MS);
    expect(await crashes()).toBe(1);
    expect(bystander.isEnded()).toBe(false);
  });

  test("answers INTERNAL when a later chunk is handled; the session ends, a bystander hears on, a join works", async () => {
    const { client, rooms, params, bridge } = harness;
    for (const user of ["alice", "bob"]) await client.join(await params(user));
    const [alice, bob] = [client.stream("alice"), client.stream("bob")];
    await Promise.all([alice.metadata, bob.metadata]);
    const { limits } = bridge.backend;
    // The check of a chunk asks for this limit; nothing of bob is checked meanwhile.
    let isBroken = true;
    Object.defineProperty(limits, "sampleRateMinHz", {
      get() {
        if (isBroken) throw new Error("injected");
        return 8000;
      },
    });
    alice.send(Buffer.alloc(640, 1));
    expect((await alice.ended).code).toBe(INTERNAL);
    isBroken = false;
    expect(await crashes()).toBe(1);
    const phone = await rooms.join({ identity: "bob", room: "bob" });
    await phone.publishData(Buffer.alloc(640, 1));
    await eventually("bob's packet", () => bob.chunks.length === 1);
    expect((await client.join(await params("alice"))).success).toBe(true);
  });

  test("harms nobody when it is a caller's cancellation that it handles", async () => {
    const { client, rooms, params, bridge } = harness;
    const held = rooms.faults.holdConnects({ room: "alice" });
    const call = client.raw.JoinRoom(await params("alice"), new Metadata(), {}, () => {});
    await eventually("a join that is pending", () => bridge.backend.counts().sessions === 1);
    await broken(async () => {
      call.cancel();
      await eventually("the cancellation counted", async () => (await crashes()) === 1);
    });
    held.lift();
    expect((await client.join(await params("alice"))).success).toBe(true);
  });
});
