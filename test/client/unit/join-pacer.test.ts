import { expect, test } from "vitest";
import { JoinPacer } from "../../../src/client/wire/join-pacer.js";
import { createSimulatedClock } from "../../support/simulated-clock.js";

function pacer() {
  const clock = createSimulatedClock();
  const joins = new JoinPacer(clock, 10);
  const startedAtMs: Record<string, number[]> = {};
  const join = (address: string, signal = new AbortController().signal) =>
    void joins.turn(address, signal).then(() => (startedAtMs[address] ??= []).push(clock.now()));
  return { clock, join, startedAtMs };
}

test("joins of one address start one after another, each after a pause; other addresses do not wait for them", async () => {
  const { clock, join, startedAtMs } = pacer();
  for (let nth = 0; nth < 4; nth += 1) join("a");
  join("b");
  await clock.advance(100);
  expect(startedAtMs).toEqual({ a: [0, 10, 20, 30], b: [0] });
});

test("after a pause the next starts at once", async () => {
  const { clock, join, startedAtMs } = pacer();
  join("a");
  await clock.advance(1000);
  join("a");
  await clock.advance(0);
  expect([startedAtMs, clock.pending]).toEqual([{ a: [0, 1000] }, 1]);
  await clock.advance(10);
  expect(clock.pending).toBe(0);
});

test("one that is given up does not wait", async () => {
  const { clock, join, startedAtMs } = pacer();
  const controller = new AbortController();
  join("a");
  join("a", controller.signal);
  controller.abort();
  await clock.advance(0);
  expect(startedAtMs["a"]).toEqual([0, 0]);
});
