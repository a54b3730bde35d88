// Users whose glasses come and go all the time: whatever they do, a user has one session, the room one bridge, and in the
// end nobody is left.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BridgeHost } from "../../scenarios/bridge-host.js";
import type { CloudHost } from "../../scenarios/cloud-host.js";
import type { Party } from "../../scenarios/party.js";
import { flowing, startParty } from "../../scenarios/party.js";
import { canPlayScenarios } from "../../scenarios/required.js";
import type { Scene } from "../../scenarios/scene.js";
import { startScene } from "../../scenarios/scene.js";
import {
  expectNoneLeft,
  expectNothingForbidden,
  expectNothingLost,
  expectOneSessionEach,
} from "../../scenarios/soundness.js";
import { eventually } from "../../support/eventually.js";

const SPEAKER = "speaker";
const USERS = Array.from({ length: 8 }, (_, i) => `cycling-${i}`);
const ROUNDS = 4;
/** Time for each user's glasses to be gone and back. */
const AWAY_MS = 150;

describe.skipIf(!canPlayScenarios())("T21: users who come and go", () => {
  let scene: Scene;
  let bridge: BridgeHost;
  let cloud: CloudHost;
  let party: Party;

  beforeAll(async () => {
    scene = await startScene();
    bridge = await scene.bridge();
    cloud = await scene.cloud(bridge);
    party = await startParty(scene, bridge, SPEAKER, { cloud });
    await Promise.all(USERS.map((user) => cloud.init(user)));
  });
  afterAll(() => scene.stop());

  const sessions = async () => (await bridge.health()).active_sessions;
  const failures = () => scene.book.find({ source: cloud.source, message: /Audio stream error|Reconnection failed/ });

  test("reconnect their glasses again and again: no session is lost, none is left over, nothing fails", async () => {
    const peaks: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      await Promise.all(USERS.map((user) => cloud.ask("away", { user })));
      await new Promise((resolve) => setTimeout(resolve, AWAY_MS));
      await Promise.all(USERS.map((user) => cloud.init(user)));
      peaks.push(await sessions());
    }
    expect(peaks).toEqual(Array.from({ length: ROUNDS }, () => USERS.length + 1));
    expect(failures()).toEqual([]);
  }, 60_000);

  test("are made to join anew, all at once, again and again: one session each at any time, no zombie", async () => {
    const expected = USERS.length + 1;
    for (let round = 0; round < ROUNDS; round += 1) {
      await Promise.all(USERS.map((user) => cloud.ask("rejoin", { user })));
      expect(await sessions(), `round ${round}`).toBeLessThanOrEqual(expected);
      await eventually("all joined", async () => (await sessions()) === expected, 10_000);
      // The window in which a second rejoin is skipped.
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
    const { metadata } = await bridge.health();
    expect({ reaped: metadata["reaped"], crashes: metadata["crashes"] }).toEqual({ reaped: "0", crashes: "0" });
    expect(failures()).toEqual([]);
  }, 60_000);

  test("have one bridge in each room; a user who stayed lost nothing", async () => {
    for (const user of USERS) expect(await scene.participants(user)).toEqual([`cloud-agent:${user}`]);
    await flowing(party, Date.now());
    await expectNothingLost(party);
  });

  test("leave nothing when they have gone", async () => {
    for (const user of USERS) await cloud.ask("dispose", { user });
    await expectOneSessionEach(scene, bridge, [SPEAKER]);
    await cloud.ask("dispose", { user: SPEAKER });
    await party.phone.close();
    for (const user of [...USERS, SPEAKER]) await expectNoneLeft(scene, bridge, user);
    await eventually("no connection", () => cloud.connections() === 0);
    expectNothingForbidden(scene);
  });
});
