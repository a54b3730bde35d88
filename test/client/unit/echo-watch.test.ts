import { expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../../src/client/limits.js";
import { EchoWatch } from "../../../src/client/wire/echo-watch.js";
import { createSimulatedClock } from "../../support/simulated-clock.js";

function watch({ isOldBridge = false, drawn = 0.5 } = {}) {
  const clock = createSimulatedClock();
  let heldUpMs = 0;
  /** As a process sees time that was held up: timers are late by it. */
  const own = { ...clock, now: () => clock.now() + heldUpMs };
  const told: string[] = [];
  const tell = (what: string) => () => void told.push(`${what} at ${clock.now() + heldUpMs}`);
  const input = { isOldBridge, limits: DEFAULT_LIMITS, clock: own, random: () => drawn };
  const echo = new EchoWatch(input, { beat: tell("beat"), silent: tell("silent") });
  echo.start();
  return { echo, told, advance: (ms: number) => clock.advance(ms), hold: (ms: number) => (heldUpMs += ms), clock };
}

test("the first heartbeat is drawn within the interval, the others follow at 5 s", async () => {
  const { told, advance, echo } = watch({ drawn: 0.5 });
  await advance(5000);
  echo.echoed();
  await advance(5000);
  expect(told).toEqual(["beat at 2500", "beat at 7500"]);
});

test("10 s without an echo is silence, told once", async () => {
  const { told, advance } = watch();
  await advance(9999);
  expect(told.filter((text) => text.startsWith("silent"))).toEqual([]);
  await advance(10_000);
  expect(told.filter((text) => text.startsWith("silent"))).toEqual(["silent at 10000"]);
});

test("each echo begins the wait anew", async () => {
  const { told, advance, echo } = watch();
  for (let nth = 0; nth < 5; nth += 1) {
    await advance(9900);
    echo.echoed();
  }
  await advance(9999);
  expect(told.some((text) => text.startsWith("silent"))).toBe(false);
});

test("a process that was held up in the last moments waits again, as often as that is so", async () => {
  const { told, advance, hold } = watch();
  await advance(9700);
  hold(400);
  await advance(400);
  hold(400);
  await advance(500);
  expect(told.some((text) => text.startsWith("silent"))).toBe(false);
  await advance(500);
  expect(told.some((text) => text.startsWith("silent"))).toBe(true);
});

test("an old bridge gets heartbeats and is never silent", async () => {
  const { told, advance } = watch({ isOldBridge: true });
  await advance(60_000);
  expect(told).toHaveLength(12);
  expect(told.every((text) => text.startsWith("beat"))).toBe(true);
});

test("when it is stopped, no timer is left", async () => {
  const { echo, clock, advance } = watch();
  await advance(9600);
  echo.stop();
  expect(clock.pending).toBe(0);
});
