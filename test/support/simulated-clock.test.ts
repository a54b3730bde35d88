import { describe, expect, test } from "vitest";
import { createSimulatedClock } from "./simulated-clock.js";

describe("the simulated clock", () => {
  test("does not move by itself, and moves both of its hands by what it is told", async () => {
    const clock = createSimulatedClock({ wallStartMs: 5_000 });
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect([clock.now(), clock.wallNow()]).toEqual([0, 5_000]);
    await clock.advance(250);
    expect([clock.now(), clock.wallNow()]).toEqual([250, 5_250]);
  });

  test("runs timers in the order of their times, ties in the order they were set, each at its own time", async () => {
    const clock = createSimulatedClock();
    const ran: string[] = [];
    const note = (name: string) => () => ran.push(`${name}@${clock.now()}`);
    clock.setTimeout(note("c"), 30);
    clock.setTimeout(note("a"), 10);
    clock.setTimeout(note("b1"), 20);
    clock.setTimeout(note("b2"), 20);
    clock.setTimeout(note("late"), 31);
    await clock.advance(30);
    expect(ran).toEqual(["a@10", "b1@20", "b2@20", "c@30"]);
    expect(clock.pending).toBe(1);
  });

  test("runs timers that were set by timers, when they fall into the same step", async () => {
    const clock = createSimulatedClock();
    const at: number[] = [];
    const beat = () => {
      at.push(clock.now());
      clock.setTimeout(beat, 10);
    };
    clock.setTimeout(beat, 0);
    await clock.advance(35);
    expect(at).toEqual([0, 10, 20, 30]);
  });

  test("lets promises, ticks and immediates settle between two timers", async () => {
    const clock = createSimulatedClock();
    const ran: string[] = [];
    clock.setTimeout(() => {
      void Promise.resolve()
        .then(() => undefined)
        .then(() => ran.push("promise"));
      process.nextTick(() => ran.push("tick"));
      setImmediate(() => ran.push("immediate"));
    }, 10);
    clock.setTimeout(() => ran.push("next timer"), 10);
    await clock.advance(10);
    expect(ran.toSorted()).toEqual(["immediate", "next timer", "promise", "tick"]);
    expect(ran.at(-1)).toBe("next timer");
  });

  test("counts a timer that a promise sets from the instant the promise settled, not from the end of the step", async () => {
    const clock = createSimulatedClock();
    let firedAt = -1;
    void Promise.resolve().then(() => clock.setTimeout(() => (firedAt = clock.now()), 5));
    await clock.advance(100);
    expect(firedAt).toBe(5);
  });

  test("forgets cleared timers at once, and clearing twice, late or nothing is harmless", async () => {
    const clock = createSimulatedClock();
    let ran = 0;
    const cleared = clock.setTimeout(() => ran++, 10);
    const kept = clock.setTimeout(() => ran++, 10);
    clock.clearTimeout(cleared);
    clock.clearTimeout(cleared);
    clock.clearTimeout(undefined);
    expect(clock.pending).toBe(1);
    await clock.advance(10);
    clock.clearTimeout(kept);
    expect([ran, clock.pending]).toEqual([1, 0]);
  });

  test("a timer may clear another that is due at the same instant", async () => {
    const clock = createSimulatedClock();
    let ran = false;
    const other: { id?: unknown } = {};
    clock.setTimeout(() => clock.clearTimeout(other.id), 10);
    other.id = clock.setTimeout(() => (ran = true), 10);
    await clock.advance(10);
    expect(ran).toBe(false);
  });

  test("takes a negative delay or none at all as now", async () => {
    const clock = createSimulatedClock();
    let ran = 0;
    clock.setTimeout(() => ran++, -5);
    clock.setTimeout(() => ran++, Number.NaN);
    await clock.advance(0);
    expect(ran).toBe(2);
  });

  test("rejects with what a timer throws, and can go on from there", async () => {
    const clock = createSimulatedClock();
    clock.setTimeout(() => {
      throw new Error("from a timer");
    }, 10);
    await expect(clock.advance(50)).rejects.toThrow("from a timer");
    expect(clock.now()).toBe(10);
    await clock.advance(5);
    expect(clock.now()).toBe(15);
  });

  test("refuses to be advanced by two at once", async () => {
    const clock = createSimulatedClock();
    const first = clock.advance(10);
    await expect(clock.advance(10)).rejects.toThrow("already under way");
    await first;
  });

  test("ends a loop of zero delays with an error instead of hanging", async () => {
    const clock = createSimulatedClock();
    const again = () => void clock.setTimeout(again, 0);
    again();
    await expect(clock.advance(1)).rejects.toThrow("endless timers");
  });
});
