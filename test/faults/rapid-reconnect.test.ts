// A cloud that comes back again and again, as one in a crash loop does, on the real engine.

import { readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { requireLiveKitServer } from "../support/livekit-server.js";
import type { RealScene } from "../support/real-scene.js";
import { startRealScene } from "../support/real-scene.js";

describe.skipIf(!requireLiveKitServer())("a cloud that reconnects ten times in 30 s", () => {
  let scene: RealScene;
  beforeAll(async () => {
    scene = await startRealScene();
  });
  afterAll(async () => {
    await scene.stop();
  });

  /** What the bridge's process holds open. */
  const held = () => ({
    files: readdirSync(`/proc/${scene.bridge.pid}/fd`).length,
    threads: readdirSync(`/proc/${scene.bridge.pid}/task`).length,
  });

  async function cycle(observer: ReturnType<RealScene["client"]>): Promise<void> {
    const client = scene.client();
    expect((await client.join(await scene.params("alice"))).success).toBe(true);
    const stream = client.stream("alice");
    await stream.metadata;
    stream.send(Buffer.alloc(3200, 1));
    expect((await observer.health()).active_sessions).toBe(1);
    // As a process that dies: no leave, the connection is closed.
    stream.call.cancel();
    client.close();
  }

  test("has one session at any time, one participant, and the bridge holds no more than before", async () => {
    const observer = scene.client();
    const isQuiet = async () =>
      (await observer.health()).active_sessions === 0 && (await scene.identities("alice")).length === 0;
    for (let i = 0; i < 5; i += 1) await cycle(observer);
    await eventually("all left", isQuiet);
    const before = held();
    const startMs = performance.now();
    for (let i = 0; i < 10; i += 1) await cycle(observer);
    expect(performance.now() - startMs).toBeLessThan(30_000);
    await eventually("all left", isQuiet);
    await eventually(
      `no more than ${before.files} files and ${before.threads} threads`,
      () => held().files <= before.files && held().threads <= before.threads,
      10_000,
    );
    console.log("held before and after ten reconnects", before, held());
    expect((await observer.health()).metadata["crashes"]).toBe("0");
  });
});
