import { describe, expect, test } from "vitest";
import { createRoster } from "../../../src/livekit/rtc-node/roster.js";
import { createSimulatedClock } from "../../support/simulated-clock.js";

function setUp(...present: string[]) {
  const clock = createSimulatedClock();
  const told: string[] = [];
  const roster = createRoster({
    clock,
    present,
    onJoined: (identity) => told.push(`+${identity}`),
    onLeft: (identity) => told.push(`-${identity}`),
  });
  return { clock, told, roster };
}

describe("who is in the room", () => {
  test("those present at the join are known and not announced", () => {
    const { told, roster } = setUp("a", "b");
    expect(roster.identities).toEqual(["a", "b"]);
    expect(told).toEqual([]);
  });

  test("a join is told at once and once, a leave shortly after", async () => {
    const { clock, told, roster } = setUp();
    roster.joined("a");
    roster.joined("a");
    roster.left("a");
    roster.left("stranger");
    expect([told, roster.size]).toEqual([["+a"], 1]);
    await clock.advance(100);
    expect([told, roster.size]).toEqual([["+a", "-a"], 0]);
    expect(clock.pending).toBe(0);
  });

  test("one who leaves and comes straight back has left and joined", () => {
    const { told, roster } = setUp("a");
    roster.left("a");
    roster.joined("a");
    expect(told).toEqual(["-a", "+a"]);
    expect(roster.identities).toEqual(["a"]);
  });

  test("a reconnect that reports everybody gone and back tells nothing", async () => {
    const { clock, told, roster } = setUp("a", "b");
    roster.left("a");
    roster.left("b");
    roster.reconnecting();
    await clock.advance(10_000);
    expect(roster.size).toBe(2);
    roster.joined("b");
    roster.joined("a");
    roster.reconnected();
    await clock.advance(1000);
    expect([told, roster.size]).toEqual([[], 2]);
  });

  test("who is missing after a reconnect has left, who is new has joined", async () => {
    const { clock, told, roster } = setUp("a", "b");
    roster.reconnecting();
    roster.left("a");
    roster.left("b");
    roster.joined("b");
    roster.joined("c");
    await clock.advance(1000);
    expect(told).toEqual(["+c"]);
    roster.reconnected();
    expect(told).toEqual(["+c", "-a"]);
    expect(roster.identities).toEqual(["b", "c"]);
  });

  test("nothing is told, and no timer is left, after the end", async () => {
    const { clock, told, roster } = setUp("a");
    roster.left("a");
    roster.close();
    await clock.advance(1000);
    expect([told, clock.pending, roster.size]).toEqual([[], 0, 0]);
  });
});
