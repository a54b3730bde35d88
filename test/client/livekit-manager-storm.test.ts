import { describe, expect, it } from "vitest";
import { createManagerScene, KEYS } from "./manager-scene.js";

const SKIPPED = "Skipping rejoin due to backoff window";

describe("a storm of triggers", () => {
  it("of 20 in a second makes one join", async () => {
    const scene = createManagerScene();
    for (let count = 0; count < 20; count++) {
      if (count % 4 === 0) void scene.manager.handleLiveKitInit();
      else if (count % 4 === 1) void scene.manager.rejoinBridge();
      else if (count % 4 === 2) void scene.manager.ensureBridgeConnected();
      else scene.manager.onMicStateChange(true);
      await scene.clock.advance(50);
    }
    await scene.clock.advance(10_000);
    expect(scene.clients).toHaveLength(1);
    expect(scene.client.joins).toHaveLength(1);
    scene.manager.dispose();
  });

  it("of 20 rejoins of a healthy bridge in a second makes one join, and logs what it skips", async () => {
    const scene = createManagerScene();
    await scene.joined();
    for (let count = 0; count < 20; count++) {
      void scene.manager.rejoinBridge();
      await scene.clock.advance(50);
    }
    await scene.clock.advance(10_000);
    expect(scene.client.joins.map(({ kind }) => kind)).toEqual(["keepConnected", "rejoin"]);
    expect(scene.messages().filter((message) => message === SKIPPED)).toHaveLength(19);
  });

  it("does not outlive its window: the next trigger joins anew", async () => {
    const scene = createManagerScene();
    await scene.joined();
    await scene.during(2_000, () => scene.manager.rejoinBridge());
    await scene.during(200, () => scene.manager.rejoinBridge());
    expect(scene.client.joins).toHaveLength(3);
  });

  it("loses nothing: a bridge that went down inside the window is joined once, at the window's end", async () => {
    const scene = createManagerScene();
    void scene.manager.ensureBridgeConnected();
    await scene.clock.advance(500);
    scene.client.kick("replaced");
    for (let count = 0; count < 5; count++) void scene.manager.handleLiveKitInit();
    scene.manager.onMicStateChange(true);
    await scene.clock.advance(1_499);
    expect(scene.client.joins).toHaveLength(1);
    await scene.clock.advance(1_000);
    expect(scene.client.joins.map(({ atMs }) => atMs)).toEqual([0, 2_000]);
    expect(scene.client.isConnected()).toBe(true);
    scene.manager.dispose();
  });

  it("does not join at the window's end what has come back by itself", async () => {
    const scene = createManagerScene();
    void scene.manager.ensureBridgeConnected();
    await scene.clock.advance(500);
    scene.client.kick("replaced");
    void scene.manager.rejoinBridge();
    void scene.client.retry();
    await scene.clock.advance(5_000);
    expect(scene.client.joins).toHaveLength(1);
  });

  it("waits for a join that takes longer than the window: no second one is set off beside it", async () => {
    let minted = 0;
    const scene = createManagerScene({
      options: {
        tokens: {
          getUrl: () => "wss://x",
          mintAccessTokenAsync: async () => {
            minted += 1;
            await new Promise<void>((resolve) => void scene.clock.setTimeout(resolve, 4_000));
            return "token";
          },
        },
      },
    });
    void scene.manager.rejoinBridge();
    await scene.clock.advance(3_000);
    void scene.manager.rejoinBridge();
    expect(await scene.during(5_000, () => scene.manager.ensureBridgeConnected())).toBe(true);
    expect([minted, scene.client.joins.length, scene.clients.length]).toEqual([1, 1, 1]);
  });

  it("leaves it to a retry of the client's own that begins while the token is minted", async () => {
    let mintMs = 0;
    const scene = createManagerScene({
      options: {
        tokens: {
          getUrl: () => "wss://x",
          mintAccessTokenAsync: async () => {
            if (mintMs > 0) await new Promise<void>((resolve) => void scene.clock.setTimeout(resolve, mintMs));
            return "token";
          },
        },
      },
    });
    await scene.joined();
    mintMs = 1_000;
    scene.client.settings.joinMs = 1_500;
    scene.client.lose();
    void scene.manager.rejoinBridge();
    await scene.clock.advance(500);
    void scene.client.retry();
    await scene.clock.advance(5_000);
    expect(scene.client.joins).toHaveLength(1);
    expect(scene.client.isConnected()).toBe(true);
  });

  it("meets the window that LIVEKIT_REJOIN_BACKOFF_MS says", async () => {
    const scene = createManagerScene({ env: { ...KEYS, LIVEKIT_REJOIN_BACKOFF_MS: "5000" } });
    await scene.joined();
    void scene.manager.rejoinBridge();
    await scene.clock.advance(1_000);
    expect(scene.client.joins).toHaveLength(1);
    await scene.clock.advance(1_000);
    await scene.during(200, () => scene.manager.rejoinBridge());
    expect(scene.client.joins).toHaveLength(2);
  });
});
