// LiveKit goes away in the middle of sessions and comes back at the same address.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import type { LiveKitServer } from "../support/livekit-server.js";
import { requireLiveKitServer, startLiveKitServer } from "../support/livekit-server.js";
import type { TestClient, TestStream } from "../support/old-client.js";
import type { RealScene } from "../support/real-scene.js";
import { startRealScene } from "../support/real-scene.js";

/** From when LiveKit is back, or from when it fell silent. */
const TOLD_WITHIN_MS = 20_000;
/** The server takes a token for a minute longer than it says, for clocks that differ. */
const LEEWAY_SECONDS = 60;

describe.skipIf(!requireLiveKitServer())("LiveKit gone in the middle of a session", () => {
  let scene: RealScene;
  let client: TestClient;
  let restarted: LiveKitServer | undefined;
  beforeEach(async () => {
    scene = await startRealScene();
    client = scene.client();
    restarted = undefined;
  });
  afterEach(async () => {
    await scene.stop();
    await restarted?.stop();
  });

  /** Kills the server, waits as long as the outage is to last, and starts it again. */
  async function outage(user: string, durationMs: number): Promise<void> {
    const backAtMs = performance.now() + durationMs;
    await scene.server.kill();
    await eventually("the loss noticed", async () => !(await client.status(user)).connected);
    await eventually("the end of the outage", () => performance.now() > backAtMs, durationMs);
    restarted = await startLiveKitServer({ ports: scene.server.ports });
  }

  /** Resolves with the reason of the end; with nothing when the session goes on. */
  async function fate(user: string): Promise<string | undefined> {
    const isSettled = async () => {
      const { connected, last_disconnect_reason } = await client.status(user);
      return connected || last_disconnect_reason !== "";
    };
    await eventually("regained, or ended with a reason", isSettled, TOLD_WITHIN_MS);
    const { connected, last_disconnect_reason: reason } = await client.status(user);
    return connected ? undefined : reason;
  }

  async function expectHeard(user: string, stream: TestStream): Promise<void> {
    const phone = await scene.phone(user);
    const before = stream.chunks.length;
    await phone.publishData(Buffer.alloc(640, 7));
    await eventually("the phone heard", () => stream.chunks.length > before, 10_000);
  }

  async function attach(user: string, ttlSeconds = 3600): Promise<TestStream> {
    const token = await tokenFor(user, ttlSeconds);
    expect((await client.join(await scene.params(user, { token }))).success).toBe(true);
    const stream = client.stream(user);
    await stream.metadata;
    return stream;
  }

  const tokenFor = (user: string, ttlSeconds: number) =>
    scene.server.token(`cloud-agent:${user}`, user, {
      canPublish: true,
      canSubscribe: true,
      canPublishData: true,
      ttlSeconds,
    });

  test("for two seconds: each session is regained or ended with a reason within 20 s, and a join works", async () => {
    const stream = await attach("blip");
    await outage("blip", 2000);
    const reason = await fate("blip");
    console.log(`after 2 s without LiveKit: ${reason ?? "regained"}`);
    if (reason === undefined) await expectHeard("blip", stream);
    else expect((await stream.ended).metadata.get("bridge-end-reason")).toEqual([reason]);
    const again = await attach("blip");
    await expectHeard("blip", again);
    await client.leave("blip");
  });

  test("until its token has expired: regained or ended with a reason; the old token is refused, a fresh one works", async () => {
    const expiresAtMs = performance.now() + 5000;
    const token = await tokenFor("late", 5 - LEEWAY_SECONDS);
    expect((await client.join(await scene.params("late", { token }))).success).toBe(true);
    const stream = client.stream("late");
    await stream.metadata;
    await outage("late", expiresAtMs + 1000 - performance.now());
    const reason = await fate("late");
    console.log(`after an outage that the token did not outlive: ${reason ?? "regained"}`);
    if (reason !== undefined) expect((await stream.ended).metadata.get("bridge-end-reason")).toEqual([reason]);
    const refused = await client.join(await scene.params("late", { token }));
    expect(refused).toMatchObject({ success: false, error: expect.stringMatching(/^failed to connect to room: ./) });
    expect(await client.status("late")).toMatchObject({ connected: false, last_disconnect_reason: "join_failed" });
    const fresh = await attach("late");
    await expectHeard("late", fresh);
    await client.leave("late");
  });

  test("in that it stands still, its connections open: not connected within 20 s, regained or ended with a reason when it goes on", async () => {
    const stream = await attach("ice");
    scene.server.freeze();
    const startMs = performance.now();
    await eventually("the silence noticed", async () => !(await client.status("ice")).connected, TOLD_WITHIN_MS);
    console.log(`LiveKit standing still noticed after ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
    scene.server.thaw();
    const reason = await fate("ice");
    console.log(`after LiveKit stood still: ${reason ?? "regained"}`);
    if (reason === undefined) await expectHeard("ice", stream);
    await client.leave("ice");
  });
});
