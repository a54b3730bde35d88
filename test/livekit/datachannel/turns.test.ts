import { beforeEach, describe, expect, it } from "vitest";
import { Turns } from "../../../src/livekit/datachannel/turns.js";

const eventLoopTurn = () =>
  new Promise<void>((resolve) => {
    setImmediate(resolve);
  });

let nowMs = 0;
let done: string[] = [];
let turns = new Turns(() => nowMs);

/** Work that takes so long. */
const job = (name: string, tookMs: number) => () => {
  done.push(name);
  nowMs += tookMs;
};

beforeEach(() => {
  nowMs = 0;
  done = [];
  turns = new Turns(() => nowMs);
});

describe("work that takes its turn", () => {
  it("does not run inside the call that asks for it, but before the event loop goes on", async () => {
    turns.take(job("a", 0));
    expect(done).toEqual([]);
    await Promise.resolve();
    expect(done).toEqual(["a"]);
  });

  it("runs in the order in which it was asked for, all at once when there is time", async () => {
    for (const name of ["a", "b", "c"]) turns.take(job(name, 0.6));
    await Promise.resolve();
    expect(done).toEqual(["a", "b", "c"]);
  });

  it("lets the event loop go round after 2 ms, and goes on then", async () => {
    for (const name of ["a", "b", "c", "d", "e"]) turns.take(job(name, 1));
    await Promise.resolve();
    expect(done).toEqual(["a", "b"]);
    await eventLoopTurn();
    expect(done).toEqual(["a", "b", "c", "d"]);
    await eventLoopTurn();
    expect(done).toEqual(["a", "b", "c", "d", "e"]);
  });

  it("does not overtake what waits for the event loop", async () => {
    for (const name of ["a", "b"]) turns.take(job(name, 2));
    await Promise.resolve();
    turns.take(job("c", 0));
    await Promise.resolve();
    expect(done).toEqual(["a"]);
    await eventLoopTurn();
    await eventLoopTurn();
    expect(done).toEqual(["a", "b", "c"]);
  });

  it("runs once, however often it was asked for before its turn, and again when asked for after it", async () => {
    const work = job("a", 0);
    turns.take(work);
    turns.take(work);
    await Promise.resolve();
    expect(done).toEqual(["a"]);
    turns.take(work);
    await Promise.resolve();
    expect(done).toEqual(["a", "a"]);
  });

  it("runs now when it is hurried, and not once more; what does not wait is not hurried", async () => {
    const work = job("b", 0);
    turns.take(job("a", 0));
    turns.take(work);
    turns.hurry(work);
    turns.hurry(work);
    expect(done).toEqual(["b"]);
    await Promise.resolve();
    expect(done).toEqual(["b", "a"]);
  });

  it("does not run when it was dropped, also while it waits for the event loop", async () => {
    const [early, late] = [job("early", 0), job("late", 0)];
    turns.take(early);
    turns.take(job("a", 2));
    turns.take(late);
    turns.drop(early);
    await Promise.resolve();
    turns.drop(late);
    await eventLoopTurn();
    expect(done).toEqual(["a"]);
    turns.take(job("b", 0));
    await Promise.resolve();
    expect(done).toEqual(["a", "b"]);
  });

  it("may ask for work itself", async () => {
    turns.take(() => turns.take(job("a", 0)));
    await Promise.resolve();
    expect(done).toEqual(["a"]);
  });
});
