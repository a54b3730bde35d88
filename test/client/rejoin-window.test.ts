import { expect, it } from "vitest";
import { RejoinWindow } from "../../src/client/cloud/rejoin-window.js";
import { createSimulatedClock } from "../support/simulated-clock.js";

it("keeps one of many deferred actions, and runs it when the window ends", async () => {
  const clock = createSimulatedClock();
  const window = new RejoinWindow(clock, 2_000);
  const ran: string[] = [];
  expect(window.remainingMs).toBe(0);
  window.begin();
  await clock.advance(500);
  const waiting = ["first", "second", "third"].map((name) => window.defer(async () => ran.push(name)));
  expect(clock.pending).toBe(1);
  await clock.advance(1_499);
  expect(ran).toEqual([]);
  await clock.advance(1);
  await Promise.all(waiting);
  expect(ran).toEqual(["first"]);
  expect(window.remainingMs).toBe(0);
});

it("lets those who wait go when it is closed, and runs nothing", async () => {
  const clock = createSimulatedClock();
  const window = new RejoinWindow(clock, 2_000);
  const ran: string[] = [];
  window.begin();
  const waiting = window.defer(async () => ran.push("never"));
  window.close();
  await waiting;
  await clock.advance(10_000);
  expect(ran).toEqual([]);
  expect(clock.pending).toBe(0);
});
