// A second cloud joins a user of the first: through the same bridge, which replaces the session, and through another, in
// which case LiveKit throws the older participant out. Two clouds that each came back would fight for ever.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CloudHost } from "../../scenarios/cloud-host.js";
import type { Party } from "../../scenarios/party.js";
import { flowing, startParty } from "../../scenarios/party.js";
import { canPlayScenarios } from "../../scenarios/required.js";
import type { Scene } from "../../scenarios/scene.js";
import { startScene } from "../../scenarios/scene.js";
import { expectNothingForbidden, expectOneSessionEach } from "../../scenarios/soundness.js";

/** Longer than any backoff would wait at first. */
const PEACE_MS = 4000;

const THEFTS = [
  { user: "same-bridge", through: "the same bridge", reason: "replaced" },
  { user: "other-bridge", through: "another bridge", reason: "duplicate_identity" },
] as const;

describe.skipIf(!canPlayScenarios())("a user who is joined by a second cloud", () => {
  let scene: Scene;
  const parties = new Map<string, Party>();
  const thieves = new Map<string, Party>();

  beforeAll(async () => {
    scene = await startScene();
    const first = await scene.bridge();
    const other = await scene.bridge();
    await Promise.all(
      THEFTS.map(async ({ user, reason }) => {
        const party = await startParty(scene, first, user);
        parties.set(user, party);
        const bridge = reason === "replaced" ? first : other;
        const cloud = await scene.cloud(bridge, { label: `thief-of-${user}` });
        thieves.set(user, { ...party, bridge, cloud });
      }),
    );
  });
  afterAll(() => scene.stop());

  const joinsOf = async (cloud: CloudHost, user: string) => Number((await cloud.ask("status", { user }))["joins"]);

  describe.concurrent("has one of them", () => {
    test.each(THEFTS)(
      "through $through: the first is told $reason and does not fight; it joins when the user comes back",
      async ({ user, reason }) => {
        const victim = parties.get(user);
        const thief = thieves.get(user);
        if (!victim || !thief) throw new Error(`${user} has not come`);
        const stolenAtMs = Date.now();
        await thief.cloud.init(user);
        const { detail } = await victim.cloud.program.reported("audio-unavailable");
        expect(detail).toBe(reason);
        await flowing(thief, stolenAtMs);
        await new Promise((resolve) => setTimeout(resolve, PEACE_MS));
        expect(await joinsOf(victim.cloud, user), "joins of the first").toBe(1);
        expect(await joinsOf(thief.cloud, user), "joins of the second").toBe(1);
        const ended = { source: victim.cloud.source, message: "Audio stream ended", userId: user, reason };
        scene.book.inOrder([ended], stolenAtMs);
        expect(scene.book.find({ source: victim.cloud.source, message: "Audio stream error" })).toEqual([]);

        const backAtMs = Date.now();
        await victim.cloud.init(user);
        const { sinceMs } = await flowing(victim, backAtMs);
        const back = `heard ${((sinceMs - backAtMs) / 1000).toFixed(1)} s after the user came back`;
        console.log(`stolen through ${thief.bridge === victim.bridge ? "the same bridge" : "another"}: ${back}`);
        expect(sinceMs - backAtMs).toBeLessThan(3000);
        await new Promise((resolve) => setTimeout(resolve, PEACE_MS));
        expect(await joinsOf(victim.cloud, user), "joins of the first").toBe(2);
        expect(await joinsOf(thief.cloud, user), "joins of the second").toBe(1);
      },
      60_000,
    );
  });

  test("and in the end one session each, with the first", async () => {
    const bridge = parties.get("same-bridge")?.bridge;
    const other = thieves.get("other-bridge")?.bridge;
    if (!bridge || !other) throw new Error("no bridge");
    await expectOneSessionEach(scene, bridge, ["same-bridge", "other-bridge"]);
    expect((await other.health()).active_sessions).toBe(0);
    expectNothingForbidden(scene);
  });
});
