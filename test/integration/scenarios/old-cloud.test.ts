// A cloud of old, in a process of its own, against this bridge: joined, heard, and back after a short outage. After a long
// one it does what it always did: it tries once, 2.0 s later, and then waits for somebody to touch the microphone.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BridgeHost } from "../../scenarios/bridge-host.js";
import type { Party } from "../../scenarios/party.js";
import { flowing } from "../../scenarios/party.js";
import { canPlayScenarios } from "../../scenarios/required.js";
import type { Scene } from "../../scenarios/scene.js";
import { startScene } from "../../scenarios/scene.js";
import { expectNothingForbidden, expectNothingLost, expectOneSessionEach } from "../../scenarios/soundness.js";
import { eventually } from "../../support/eventually.js";
import { retryAfterStart } from "../../support/old-cloud.js";

const USER = "old";
/** Less than its one retry waits. */
const OUTAGE_MS = 300;

describe.skipIf(!canPlayScenarios())("T20: a cloud of old against this bridge", () => {
  let scene: Scene;
  let bridge: BridgeHost;
  let party: Party;
  let retryAfterMs: number;
  const startCloud = () =>
    scene.cloud(bridge, { file: "old-cloud-program.ts", env: { RETRY_AFTER_MS: String(retryAfterMs) } });

  beforeAll(async () => {
    scene = await startScene();
    bridge = await scene.bridge();
    retryAfterMs = retryAfterStart(bridge.startedInMs);
    const cloud = await startCloud();
    const phone = await scene.phone(USER);
    party = { user: USER, bridge, cloud, phone };
    await cloud.init(USER);
    await phone.open();
  });
  afterAll(() => scene.stop());

  test("hears its user without a gap", async () => {
    const { reception } = await flowing(party, Date.now());
    expect(reception.foreign).toBe(0);
    await expectNothingLost(party);
    await expectOneSessionEach(scene, bridge, [USER]);
  });

  test("is killed and started again: the join of the new process is not refused for what the old one left", async () => {
    const sinceMs = Date.now();
    await party.cloud.kill();
    await party.cloud.start();
    await party.cloud.init(USER);
    await flowing(party, sinceMs);
    await expectOneSessionEach(scene, bridge, [USER]);
  });

  test("gets its user back with its one retry when the bridge is restarted quickly", async () => {
    const cutAtMs = Date.now();
    await bridge.kill();
    await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS));
    await bridge.start();
    expect(Date.now() - cutAtMs, "as long as its retry waits").toBeLessThan(retryAfterMs);
    const { sinceMs } = await flowing(party, cutAtMs);
    console.log(`T20 old cloud, bridge restarted: heard ${((sinceMs - cutAtMs) / 1000).toFixed(1)} s after the kill`);
    const { retries, dead } = await party.cloud.ask("status", { user: USER });
    expect({ retries, dead }).toEqual({ retries: 1, dead: 0 });
    await expectOneSessionEach(scene, bridge, [USER]);
  });

  test("joined twice, by two of its kind: the newer one has the user, the older one does not fight", async () => {
    const other = await startCloud();
    const sinceMs = Date.now();
    await other.init(USER);
    await flowing({ ...party, cloud: other }, sinceMs);
    const replaced = { source: bridge.source, message: "Replacing existing bridge session", user_id: USER };
    await eventually("replaced", () => scene.book.find(replaced, sinceMs).length > 0);
    // Twice as long as its retry would wait.
    await new Promise((resolve) => setTimeout(resolve, 2 * retryAfterMs));
    expect(scene.book.find(replaced, sinceMs)).toHaveLength(1);
    expect(await party.cloud.ask("status", { user: USER })).toMatchObject({ connected: 0, retries: 1, dead: 0 });
    await expectOneSessionEach(scene, bridge, [USER]);
    expectNothingForbidden(scene);
  }, 30_000);
});
