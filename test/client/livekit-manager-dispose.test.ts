import { describe, expect, it } from "vitest";
import { createManagerScene } from "./manager-scene.js";

type Scene = ReturnType<typeof createManagerScene>;

describe("dispose", () => {
  it.each<[string, (scene: Scene) => Promise<unknown>, number]>([
    ["the token is minted", (scene) => scene.manager.ensureBridgeConnected(), 0],
    ["the first join is under way", (scene) => scene.manager.handleLiveKitInit(), 50],
    ["a rejoin is under way", (scene) => joinedThen(scene, () => scene.manager.rejoinBridge()), 3_050],
    ["the status is asked for", (scene) => joinedThen(scene, () => scene.manager.handleLiveKitInit()), 3_500],
    ["a join waits for the window's end", (scene) => kickedThen(scene, () => scene.manager.rejoinBridge()), 1_000],
  ])("wins while %s: what waits is let go, and nothing joins afterwards", async (_, act, afterMs) => {
    const scene = createManagerScene({ client: { statusHangs: true } });
    let isSettled = false;
    void act(scene).then(() => (isSettled = true));
    if (afterMs > 0) await scene.clock.advance(afterMs);
    expect(isSettled).toBe(false);
    const { joins } = scene.clients[0] ?? { joins: [] };
    const before = joins.length;
    scene.manager.dispose();
    await scene.clock.advance(0);
    expect(isSettled).toBe(true);
    await scene.clock.advance(60_000);
    expect(joins).toHaveLength(before);
    expect(scene.clients.length).toBeLessThanOrEqual(1);
    expect(scene.clients.every(({ client }) => client.state === "closed")).toBe(true);
    expect(scene.clock.pending).toBe(0);
  });

  it("is idempotent, and leaves no timer, no listener and no client", async () => {
    const scene = createManagerScene();
    scene.manager.onMicStateChange(true);
    await scene.clock.advance(3_000);
    const { emitter } = scene.client;
    scene.manager.dispose();
    scene.manager.dispose();
    expect(scene.clock.pending).toBe(0);
    expect(emitter.listenerCount).toBe(0);
    expect(scene.manager.getBridgeClient()).toBeNull();
    expect(await scene.manager.getBridgeStatus()).toBeNull();
  });

  it("is for good: no trigger makes a client or a timer, and the handshake still has its answer", async () => {
    const scene = createManagerScene();
    scene.manager.dispose();
    scene.manager.onMicStateChange(true);
    await scene.manager.rejoinBridge();
    expect(await scene.manager.ensureBridgeConnected()).toBe(false);
    expect(await scene.manager.handleLiveKitInit()).toMatchObject({ roomName: "alice" });
    expect(scene.clients).toHaveLength(0);
    expect(scene.clock.pending).toBe(0);
  });

  it("tells the application nothing more", async () => {
    const scene = createManagerScene({ client: { failure: "no room" } });
    void scene.manager.ensureBridgeConnected();
    await scene.clock.advance(1_000);
    scene.manager.dispose();
    expect(scene.clock.pending).toBe(0);
    await scene.clock.advance(60_000);
    expect(scene.notices).toEqual([]);
    expect(scene.messages()).not.toContain("Audio unavailable");
  });
});

async function joinedThen(scene: Scene, act: () => Promise<unknown>): Promise<void> {
  void scene.manager.ensureBridgeConnected();
  await new Promise<void>((resolve) => {
    scene.clock.setTimeout(resolve, 3_000);
  });
  await act();
}

async function kickedThen(scene: Scene, act: () => Promise<unknown>): Promise<void> {
  void scene.manager.ensureBridgeConnected();
  await new Promise<void>((resolve) => {
    scene.clock.setTimeout(resolve, 500);
  });
  scene.client.kick("replaced");
  await act();
}
