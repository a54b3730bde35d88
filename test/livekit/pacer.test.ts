import { describe, expect, test } from "vitest";
import { createPacer, type PacerMember } from "../../src/livekit/pacer.js";
import type { Clock } from "../../src/time.js";
import { createSimulatedClock, type SimulatedClock } from "../support/simulated-clock.js";

function recordBeats(clock: Clock): PacerMember & { readonly at: number[] } {
  const at: number[] = [];
  return { at, tick: () => void at.push(clock.now()) };
}

/** Every timer of this clock fires a little late, as those of a busy event loop do. */
function lateBy(clock: SimulatedClock, lateMs: () => number): Clock {
  return { ...clock, setTimeout: (handler, delayMs) => clock.setTimeout(handler, delayMs + lateMs()) };
}

describe("the pacer", () => {
  test("beats at once when somebody joins, and then every interval", async () => {
    const clock = createSimulatedClock();
    const member = recordBeats(clock);
    createPacer(clock, 10).add(member);
    expect(member.at).toEqual([]);
    await clock.advance(30);
    expect(member.at).toEqual([0, 10, 20, 30]);
  });

  test("does not drift over an hour, however late its timers are", { timeout: 60_000 }, async () => {
    const clock = createSimulatedClock();
    let turn = 0;
    const member = { beats: 0, tick: () => void member.beats++ };
    const pacer = createPacer(
      lateBy(clock, () => (turn = (turn + 7) % 9)),
      10,
    );
    pacer.add(member);
    await clock.advance(3_600_000);
    // One beat at the start and one for each full interval; the last may still be on its way.
    expect(member.beats).toBeGreaterThanOrEqual(360_000);
    expect(member.beats).toBeLessThanOrEqual(360_001);
    pacer.remove(member);
    expect(clock.pending).toBe(0);
  });

  test("catches up after a stall of up to 100 ms, and after a longer one begins anew instead of rushing", async () => {
    const clock = createSimulatedClock();
    let stallMs = 0;
    const member = recordBeats(clock);
    createPacer(
      lateBy(clock, () => stallMs),
      10,
    ).add(member);
    await clock.advance(0);
    member.at.length = 0;
    // The timer of the next beat is set already; the one after it is late.
    stallMs = 95;
    await clock.advance(10);
    stallMs = 0;
    await clock.advance(105);
    expect(member.at.filter((at) => at === 115)).toHaveLength(10);
    member.at.length = 0;
    stallMs = 500;
    await clock.advance(5);
    stallMs = 0;
    await clock.advance(510);
    expect(member.at.length).toBeLessThanOrEqual(3);
  });

  test("has no timer while nobody is there", async () => {
    const clock = createSimulatedClock();
    const pacer = createPacer(clock, 10);
    const [one, two] = [recordBeats(clock), recordBeats(clock)];
    expect(clock.pending).toBe(0);
    pacer.add(one);
    pacer.add(two);
    pacer.add(two);
    expect([pacer.size, clock.pending]).toEqual([2, 1]);
    await clock.advance(25);
    pacer.remove(one);
    pacer.remove(two);
    pacer.remove(two);
    expect([pacer.size, clock.pending]).toEqual([0, 0]);
  });

  test("stays on the beat when its last member leaves and another one comes before the next", async () => {
    const clock = createSimulatedClock();
    const pacer = createPacer(clock, 20);
    const [opening, playing] = [recordBeats(clock), recordBeats(clock)];
    pacer.add(opening);
    await clock.advance(47);
    pacer.remove(opening);
    pacer.add(playing);
    await clock.advance(33);
    expect([...opening.at, ...playing.at]).toEqual([0, 20, 40, 60, 80]);
    pacer.remove(playing);
    await clock.advance(45);
    pacer.add(opening);
    await clock.advance(0);
    // After a beat that nobody heard, at once.
    expect(opening.at.at(-1)).toBe(125);
  });

  test("has no timer after its last member has left within its own tick", async () => {
    const clock = createSimulatedClock();
    const pacer = createPacer(clock, 10);
    const member = { tick: () => pacer.remove(member) };
    pacer.add(member);
    await clock.advance(50);
    expect([pacer.size, clock.pending]).toEqual([0, 0]);
  });

  test("ticks everybody once per beat, and has one timer, whoever comes and goes within a tick", async () => {
    const clock = createSimulatedClock();
    const pacer = createPacer(clock, 10);
    const newcomer = recordBeats(clock);
    const at: number[] = [];
    const restless = {
      tick() {
        at.push(clock.now());
        pacer.remove(restless);
        pacer.add(newcomer);
        pacer.add(restless);
      },
    };
    pacer.add(restless);
    await clock.advance(30);
    expect(at).toEqual([0, 10, 20, 30]);
    expect(newcomer.at).toEqual([10, 20, 30]);
    expect(clock.pending).toBe(1);
  });

  test("ticks nobody who was removed earlier in the same beat", async () => {
    const clock = createSimulatedClock();
    const pacer = createPacer(clock, 10);
    const removed = recordBeats(clock);
    pacer.add({ tick: () => pacer.remove(removed) });
    pacer.add(removed);
    await clock.advance(20);
    expect(removed.at).toEqual([]);
  });

  test("goes on for the others when a tick throws, without the one that threw", async () => {
    const clock = createSimulatedClock();
    const pacer = createPacer(clock, 10);
    const other = recordBeats(clock);
    const surfaced: unknown[] = [];
    const handlers = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", (error) => surfaced.push(error));
    pacer.add({
      tick() {
        throw new Error("from a tick");
      },
    });
    pacer.add(other);
    await clock.advance(20);
    process.removeAllListeners("uncaughtException");
    for (const handler of handlers) process.on("uncaughtException", handler);
    expect(other.at).toEqual([0, 10, 20]);
    expect(pacer.size).toBe(1);
    expect(surfaced).toEqual([new Error("from a tick")]);
  });
});
