// A join is given up at every moment; it says so when nothing is left of it.

import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { eventually } from "../../support/eventually.js";
import { keepLibraryUntilTheEnd, type LyingScene, setScene } from "./lying-scene.js";

keepLibraryUntilTheEnd();

describe("a join that is given up", () => {
  const stages: Record<string, (scene: LyingScene) => Promise<unknown>> = {
    "at once": () => Promise.resolve(),
    "when it is welcome": async ({ server }) => (await server.host()).conversation.hears("pingReq"),
    "when it has offered": async ({ server }) => (await server.host()).conversation.hears("offer"),
    "when it tells of its addresses": async ({ server }) => (await server.host()).conversation.hears("trickle"),
  };

  it.each(Object.keys(stages))("%s is left before it says so", async (stage) => {
    const scene = await setScene((host) => {
      host.tellCandidate = () => undefined;
    });
    const caller = new AbortController();
    const outcome = scene.connect(caller.signal).catch((error: unknown) => error);
    await stages[stage]?.(scene);
    caller.abort();
    expect(await outcome).toMatchObject({ code: "aborted" });
    await scene.expectNothingLeft();
    expect(scene.told).toEqual([]);
  });

  it("while the server thinks about letting it in is taken back when it does, and says so only then", async () => {
    const scene = await setScene();
    const letThrough = scene.server.holdUpgrades();
    const caller = new AbortController();
    let isSettled = false;
    const outcome = scene.connect(caller.signal).catch((error: unknown) => error);
    void outcome.then(() => (isSettled = true));
    await eventually("it asks", () => scene.server.requests.length === 1);
    caller.abort();
    await pause(50);
    expect([isSettled, scene.engine.counts().connecting]).toEqual([false, 1]);
    letThrough();
    expect(await outcome).toMatchObject({ code: "aborted" });
    const [conversation] = scene.server.conversations;
    expect([conversation?.allHeard("leave").length, conversation?.isOver]).toEqual([1, true]);
  });

  it("at any moment leaves nothing", async () => {
    const scene = await setScene();
    for (let waitMs = 0; waitMs < 60; waitMs += 3) {
      const caller = new AbortController();
      const outcome = scene.connect(caller.signal).then(
        (room) => room.close(),
        () => undefined,
      );
      await pause(waitMs);
      caller.abort();
      await outcome;
      await scene.expectNothingLeft();
    }
  });

  it("because the engine is disposed is aborted, and so is one that comes later", async () => {
    const scene = await setScene((host) => {
      host.onOffer = () => Promise.resolve();
    });
    const outcome = scene.connect().catch((error: unknown) => error);
    await (await scene.server.host()).conversation.hears("offer");
    await scene.engine.dispose();
    expect(await outcome).toMatchObject({ code: "aborted" });
    await expect(scene.connect()).rejects.toMatchObject({ code: "aborted" });
    await scene.expectNothingLeft();
  });
});
