import { status as Status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startBridgeProcess } from "../support/bridge-process.js";
import { eventually } from "../support/eventually.js";
import { checkHealth } from "../support/health.js";
import { requireLiveKitServer, startLiveKitServer } from "../support/livekit-server.js";
import { createOldCloud, retryAfterStart } from "../support/old-cloud.js";
import type { RealScene } from "../support/real-scene.js";
import { startRealScene } from "../support/real-scene.js";

const STREAMS = 10;

describe.skipIf(!requireLiveKitServer())("the end of a bridge process", () => {
  let scene: RealScene;
  beforeEach(async () => {
    scene = await startRealScene();
  });
  afterEach(async () => {
    await scene.stop();
  });

  async function openStreams() {
    const client = scene.client();
    const users = Array.from({ length: STREAMS }, (_, i) => `user-${i}`);
    const streams = await Promise.all(
      users.map(async (user) => {
        expect((await client.join(await scene.params(user))).success).toBe(true);
        const stream = client.stream(user);
        await stream.metadata;
        return stream;
      }),
    );
    return { client, users, streams };
  }

  test("SIGTERM: not serving at once, rooms left, then every stream UNAVAILABLE, exit 0 right after", async () => {
    const { users, streams } = await openStreams();
    const startMs = performance.now();
    const endedAtMs = streams.map(({ ended }) => ended.then(() => performance.now()));
    scene.bridge.signal("SIGTERM");
    await eventually("draining", () => scene.bridge.messages().includes("Bridge draining"));
    const statuses = await Promise.all(streams.map(({ ended }) => ended));
    const lastEndMs = Math.max(...(await Promise.all(endedAtMs)));
    const left = await Promise.all(users.map((user) => scene.identities(user)));
    expect(left.flat(), "the rooms had been left before the streams ended").toEqual([]);
    for (const { code, details, metadata } of statuses) {
      expect({ code, details }).toEqual({ code: Status.UNAVAILABLE, details: "draining" });
      expect(metadata.get("bridge-end-reason")).toEqual(["drain"]);
    }
    expect(await scene.bridge.exited).toBe(0);
    const exitMs = performance.now();
    expect(exitMs - lastEndMs).toBeLessThan(500);
    expect(exitMs - startMs).toBeLessThan(10_000);
  });

  test("SIGTERM while LiveKit stands still: health says so at once, joins are refused, exit 0 within 10 s", async () => {
    const { client, streams } = await openStreams();
    const request = await scene.params("too-late");
    expect(await checkHealth(scene.bridge.address)).toBe("SERVING");
    scene.server.freeze();
    const startMs = performance.now();
    scene.bridge.signal("SIGTERM");
    await eventually("not serving", async () => (await checkHealth(scene.bridge.address)) === "NOT_SERVING", 1000);
    expect((await client.health()).status).toBe("NOT_SERVING");
    await expect(client.join(request)).rejects.toMatchObject({ code: Status.UNAVAILABLE });
    expect(streams.some(({ isEnded }) => isEnded())).toBe(false);
    const statuses = await Promise.all(streams.map(({ ended }) => ended));
    expect(statuses.every(({ code }) => code === Status.UNAVAILABLE)).toBe(true);
    expect(await scene.bridge.exited).toBe(0);
    expect(performance.now() - startMs).toBeLessThan(10_000);
  });

  test("a second SIGTERM exits at once", async () => {
    await openStreams();
    scene.server.freeze();
    scene.bridge.signal("SIGTERM");
    await eventually("draining", () => scene.bridge.messages().includes("Bridge draining"));
    const startMs = performance.now();
    scene.bridge.signal("SIGTERM");
    await scene.bridge.exited;
    expect(performance.now() - startMs).toBeLessThan(500);
  });

  test.each(["SIGTERM", "SIGKILL"] as const)(
    "after %s a successor on the same port gets every old client's single retry",
    async (signal) => {
      const port = scene.bridge.address.split(":")[1] ?? "";
      const cloud = createOldCloud(scene.bridge.address, scene.params, retryAfterStart(scene.bridge.startedInMs));
      const users = Array.from({ length: 5 }, (_, i) => `old-${i}`);
      await Promise.all(users.map((user) => cloud.connect(user)));
      expect(cloud.connected()).toBe(users.length);
      scene.bridge.signal(signal);
      await scene.bridge.exited;
      await new Promise((resolve) => setTimeout(resolve, signal === "SIGKILL" ? 300 : 0));
      const successor = await startBridgeProcess({ LIVEKIT_URL: scene.server.url, PORT: port });
      await eventually("everybody back", () => cloud.connected() === users.length, 8000);
      expect(cloud.retries()).toBe(users.length);
      cloud.close();
      await successor.stop();
    },
  );

  test("livekit-server killed: streams end UNAVAILABLE connection_lost, and a join works once it is back", async () => {
    const { client, streams } = await openStreams();
    await scene.server.kill();
    const startMs = performance.now();
    const statuses = await Promise.all(streams.map(({ ended }) => ended));
    expect(performance.now() - startMs).toBeLessThan(30_000);
    for (const { code, metadata } of statuses) {
      expect(code).toBe(Status.UNAVAILABLE);
      expect(metadata.get("bridge-end-reason")).toEqual(["connection_lost"]);
    }
    expect((await client.health()).active_sessions).toBe(0);
    const restarted = await startLiveKitServer({ ports: scene.server.ports });
    expect((await client.join(await scene.params("user-0"))).success).toBe(true);
    await client.leave("user-0");
    await restarted.stop();
  });
});
