import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startBridgeProcess } from "../support/bridge-process.js";
import { eventually } from "../support/eventually.js";
import { requireLiveKitServer } from "../support/livekit-server.js";
import { createOldCloud, retryAfterStart } from "../support/old-cloud.js";
import type { RealScene } from "../support/real-scene.js";
import { startRealScene } from "../support/real-scene.js";

const USERS = 60;

describe.skipIf(!requireLiveKitServer())("many users on one HTTP/2 connection, on a real livekit-server", () => {
  let scene: RealScene;
  beforeAll(async () => {
    scene = await startRealScene();
  });
  afterAll(async () => {
    await scene.stop();
  });

  test(`${USERS} users whose bridge crashes all come back in the same instant, and none hangs`, async () => {
    const port = scene.bridge.address.split(":")[1] ?? "";
    const cloud = createOldCloud(scene.bridge.address, scene.params, retryAfterStart(scene.bridge.startedInMs));
    const users = Array.from({ length: USERS }, (_, i) => `crowd-${i}`);
    await Promise.all(users.map((user) => cloud.connect(user)));
    expect(cloud.connected()).toBe(USERS);
    scene.bridge.signal("SIGKILL");
    await scene.bridge.exited;
    const successor = await startBridgeProcess({ LIVEKIT_URL: scene.server.url, PORT: port });
    const startMs = performance.now();
    await eventually("everybody back", () => cloud.connected() === USERS, 15_000);
    console.log(`${USERS} users back ${(performance.now() - startMs).toFixed(0)} ms after the bridge listened`);
    expect(cloud.dead()).toBe(0);
    const rooms = await Promise.all(users.map((user) => scene.identities(user)));
    expect(rooms.every((identities, i) => identities.join() === `cloud-agent:${users[i]}`)).toBe(true);
    cloud.close();
    await successor.stop();
  });
});
