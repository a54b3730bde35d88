// The bridge goes and comes back, or the way to it: killed and started again, the cable pulled, every packet lost without
// anybody being told; for long and for short. All at once, to save time, but for the starts of bridges: each bridge that
// is killed has a cloud of its own, each cut is on the wire of its own cloud, and one cloud is left alone.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BridgeHost } from "../../scenarios/bridge-host.js";
import { expectResumed } from "../../scenarios/fault-figures.js";
import type { Party } from "../../scenarios/party.js";
import { flowing, startParty } from "../../scenarios/party.js";
import type { Program } from "../../scenarios/program.js";
import { canPlayScenarios } from "../../scenarios/required.js";
import type { Scene } from "../../scenarios/scene.js";
import { startScene } from "../../scenarios/scene.js";
import { expectNothingForbidden, expectNothingLost, expectOneSessionEach } from "../../scenarios/soundness.js";

const RESTARTS = [
  { seconds: 1, user: "away-1" },
  { seconds: 5, user: "away-5" },
  { seconds: 20, user: "away-20" },
] as const;
const CUTS = [
  { how: "unplug", seconds: 5, user: "unplugged-short" },
  { how: "silence", seconds: 5, user: "silent-short" },
  { how: "unplug", seconds: 60, user: "unplugged-long" },
  { how: "silence", seconds: 60, user: "silent-long" },
] as const;
const BYSTANDER = "bystander";
/** Until then TCP may still get through on the old connection; afterwards only a new one helps. */
const OLD_CONNECTION_MAX_MS = 15_000;

describe.skipIf(!canPlayScenarios())("a bridge that cannot be reached for a while", () => {
  let scene: Scene;
  let bridge: BridgeHost;
  const parties = new Map<string, Party>();
  const controls = new Map<string, Program>();
  const stayers = [...CUTS.map(({ user }) => user), BYSTANDER];

  beforeAll(async () => {
    scene = await startScene();
    bridge = await scene.bridge();
    await Promise.all([
      ...RESTARTS.map(async ({ user }) => parties.set(user, await startParty(scene, await scene.bridge(), user))),
      ...stayers.map(async (user) => parties.set(user, await startParty(scene, bridge, user))),
    ]);
    for (const { user } of CUTS) controls.set(user, await scene.wireControl(bridge, partyOf(user).cloud));
  });
  afterAll(() => scene.stop());

  function partyOf(user: string): Party {
    const party = parties.get(user);
    if (!party) throw new Error(`${user} has not come`);
    return party;
  }

  /** How long TCP itself took after the heal: on the old connection, or on a new one if that was given up meanwhile. */
  async function controlOf(user: string, healedAtMs: number, seconds: number) {
    const times = await controls.get(user)?.ask({ do: "since", sinceMs: healedAtMs });
    const isOld = seconds * 1000 < OLD_CONNECTION_MAX_MS;
    const atMs = Number(times?.[isOld ? "heardAtMs" : "openedAtMs"]);
    return { what: `TCP itself, on ${isOld ? "the old" : "a new"} connection`, ms: atMs - healedAtMs };
  }

  /** How long somebody else's join takes on the bridge that has just come back. */
  async function joinOf({ bridge: host, user }: Party) {
    const name = `control-${user}`;
    const token = await scene.livekit.token(`cloud-agent:${name}`, name);
    const startMs = performance.now();
    const joined = await host.client.join({
      user_id: name,
      room_name: name,
      token,
      livekit_url: "",
      target_identity: name,
    });
    const ms = performance.now() - startMs;
    expect(joined.error).toBe("");
    await host.client.leave(name);
    return { what: "a join of somebody else", ms };
  }

  /** One bridge after another: the start of a process keeps a core busy. */
  let lastRestart = Promise.resolve();
  function restarted(work: () => Promise<void>): Promise<void> {
    const mine = lastRestart.then(work);
    lastRestart = mine.catch(() => undefined);
    return mine;
  }

  describe.concurrent("is joined again", () => {
    test.each(RESTARTS)(
      "T12: killed and away for $seconds s; the user is heard within 3 s of its start, as the logs say",
      ({ seconds, user }) =>
        restarted(async () => {
          const party = partyOf(user);
          const { cloud } = party;
          const cutAtMs = Date.now();
          await party.bridge.kill();
          await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
          await party.bridge.start();
          // When it listens; what its process needs to start is not the cloud's.
          const healedAtMs = Date.now();
          const noticedBy = { source: cloud.source, message: "Audio stream error", userId: user };
          const control = await joinOf(party);
          const what = `T12 bridge killed, away ${seconds} s`;
          await expectResumed(scene, party, { what, cutAtMs, healedAtMs, noticedBy, control });
          scene.book.inOrder(
            [
              noticedBy,
              { source: cloud.source, message: "Attempting to reconnect after stream error", userId: user },
              { source: party.bridge.source, message: "Successfully joined room", userId: user },
              { source: cloud.source, message: "Joined LiveKit room", userId: user },
              { source: cloud.source, message: "Captions", userId: user },
            ],
            cutAtMs,
          );
        }),
      120_000,
    );

    test.each(CUTS)(
      "T13: network cut by $how for $seconds s; the user is heard within 3 s of the heal",
      async ({ how, seconds, user }) => {
        const party = partyOf(user);
        const { wire } = party.cloud;
        const cutAtMs = Date.now();
        await wire[how]();
        await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
        const healedAtMs = Date.now();
        await wire.heal();
        await flowing(party, healedAtMs);
        const control = await controlOf(user, healedAtMs, seconds);
        await expectResumed(scene, party, { what: `T13 ${how} ${seconds} s`, cutAtMs, healedAtMs, control });
      },
      120_000,
    );
  });

  test("T9: while it was away, each try in vain was logged, and none was the last", () => {
    const { source } = partyOf("away-20").cloud;
    expect(scene.book.find({ source, message: "Reconnection failed" }).length).toBeGreaterThan(1);
  });

  test("and has one session each; a bystander lost nothing", async () => {
    for (const { user } of RESTARTS) await expectOneSessionEach(scene, partyOf(user).bridge, [user]);
    await expectOneSessionEach(scene, bridge, stayers);
    await expectNothingLost(partyOf(BYSTANDER));
    expectNothingForbidden(scene);
  });
});
