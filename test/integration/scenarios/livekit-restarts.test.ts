// LiveKit is killed and comes back at the same address, with nothing left of its rooms.

import { afterAll, beforeAll, describe, test } from "vitest";
import type { BridgeHost } from "../../scenarios/bridge-host.js";
import { expectResumed } from "../../scenarios/fault-figures.js";
import type { Listener } from "../../scenarios/listener-host.js";
import type { Party } from "../../scenarios/party.js";
import { startParty } from "../../scenarios/party.js";
import { canPlayScenarios } from "../../scenarios/required.js";
import type { Scene } from "../../scenarios/scene.js";
import { startScene } from "../../scenarios/scene.js";
import { expectNothingForbidden, expectOneSessionEach } from "../../scenarios/soundness.js";

const USER = "alice";
const OUTAGE_MS = 3000;

describe.skipIf(!canPlayScenarios())("LiveKit that is killed and comes back", () => {
  let scene: Scene;
  let bridge: BridgeHost;
  let party: Party;

  beforeAll(async () => {
    scene = await startScene();
    bridge = await scene.bridge();
    party = await startParty(scene, bridge, USER);
  });
  afterAll(() => scene.stop());

  test("has its bridge and its phone back by themselves; the user is heard again", async () => {
    const cutAtMs = Date.now();
    await scene.livekit.kill();
    await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS));
    await scene.startLiveKit();
    const healedAtMs = Date.now();
    const listener: Listener = await scene.listener(USER);
    const heardAtMs = await listener.heardSince(healedAtMs);
    const control = { what: "the phone's own way into the room", ms: heardAtMs - healedAtMs };
    const noticedBy = { source: bridge.source, message: /reconnecting|Closing room session/i, userId: USER };
    await expectResumed(scene, party, { what: "LiveKit restarted", cutAtMs, healedAtMs, noticedBy, control });
    await listener.leave();
    await expectOneSessionEach(scene, bridge, [USER]);
    expectNothingForbidden(scene);
  }, 90_000);
});
