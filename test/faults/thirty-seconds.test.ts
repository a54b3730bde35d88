// The limits of half a minute once in real time: everywhere else they are held to on a clock that
// tests move.

import { expect, test } from "vitest";
import { startEmbeddedBridge } from "../support/embedded-bridge.js";
import { eventually } from "../support/eventually.js";

const HEARTBEAT_EVERY_MS = 5000;
/** What timers and a busy machine may add. */
const SLACK_MS = 1500;

test("a zombie is gone after 30 s, a peer whose heartbeats stop 30 s after the last; a mute client of old lives on", async () => {
  const harness = await startEmbeddedBridge();
  const { client, params } = harness;
  for (const user of ["zombie", "beating", "mute"]) await client.join(await params(user));
  const joinedAtMs = performance.now();
  const beating = client.stream("beating");
  const mute = client.stream("mute");
  await Promise.all([beating.metadata, mute.metadata]);
  let lastBeatAtMs = 0;
  const timer = setInterval(() => {
    beating.heartbeat();
    lastBeatAtMs = performance.now();
  }, HEARTBEAT_EVERY_MS);
  const isGone = async (user: string) => !(await client.status(user)).connected;
  await eventually("the zombie gone", () => isGone("zombie"), 30_000 + SLACK_MS);
  expect(performance.now() - joinedAtMs).toBeGreaterThan(29_500);
  expect(beating.isEnded()).toBe(false);
  clearInterval(timer);
  await eventually("the silent one gone", () => isGone("beating"), 30_000 + SLACK_MS);
  expect(performance.now() - lastBeatAtMs).toBeGreaterThan(29_500);
  expect(await beating.ended).toMatchObject({ code: 4, details: "stream timeout" });
  expect(mute.isEnded()).toBe(false);
  const reasons = await Promise.all(
    ["zombie", "beating"].map(async (user) => (await client.status(user)).last_disconnect_reason),
  );
  expect(reasons).toEqual(["zombie", "inactivity"]);
  await harness.stop();
}, 90_000);
