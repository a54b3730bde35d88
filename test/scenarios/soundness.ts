// What has to be true at the end of every scenario, whatever was done in it.

import { expect } from "vitest";
import { eventually } from "../support/eventually.js";
import type { BridgeHost } from "./bridge-host.js";
import type { Party } from "./party.js";
import type { Scene } from "./scene.js";

/** Participants whose process was killed are LiveKit's for a while. */
const SETTLED_MAX_MS = 25_000;

/** One session for each of these users and no other, each room with its phone and one bridge. */
export async function expectOneSessionEach(scene: Scene, bridge: BridgeHost, users: readonly string[]): Promise<void> {
  const sessions = async () => (await bridge.health()).active_sessions;
  await eventually(`${users.length} sessions`, async () => (await sessions()) === users.length, SETTLED_MAX_MS);
  for (const user of users) {
    const expected = [user, `cloud-agent:${user}`].toSorted().join();
    const isRight = async () => (await scene.participants(user)).join() === expected;
    await eventually(`one bridge in the room of ${user}`, isRight, SETTLED_MAX_MS);
  }
}

/** No session, nobody in the room but who is named. */
export async function expectNoneLeft(scene: Scene, bridge: BridgeHost, user: string, others: string[] = []) {
  await eventually("no session", async () => (await bridge.health()).active_sessions === 0, SETTLED_MAX_MS);
  const isRight = async () => (await scene.participants(user)).join() === others.join();
  await eventually(`nobody left in the room of ${user}`, isRight, SETTLED_MAX_MS);
}

/** Whatever left the phone was heard, in order. */
export async function expectNothingLost({ cloud, phone, user }: Party): Promise<void> {
  const { lost, outOfOrder } = await cloud.reception(user);
  const unsent = await phone.unsent();
  expect({ lost: Math.max(0, lost - unsent), outOfOrder }, `${unsent} packets never left the phone`).toEqual({
    lost: 0,
    outOfOrder: 0,
  });
}

/** No token and no secret in any log, no refusal of old, no process that died by itself. */
export function expectNothingForbidden({ book }: Scene): void {
  expect(book.violations).toEqual([]);
  expect(book.entries.length, "lines that were looked at").toBeGreaterThan(0);
}
