import { describe, expect, test } from "vitest";
import { createConnectThrottle } from "../../src/livekit/connect-throttle.js";
import { createSimulatedClock } from "../support/simulated-clock.js";

const NEVER = new AbortController().signal;

function setUp() {
  const clock = createSimulatedClock();
  const throttle = createConnectThrottle({ clock, concurrencyMax: 2, slotMaxMs: 1000 });
  const started: string[] = [];
  const giveBack = new Map<string, () => void>();
  const start = async (name: string, server = "s", signal: AbortSignal = NEVER): Promise<void> => {
    const back = await throttle.acquire(server, signal);
    started.push(name);
    giveBack.set(name, back);
  };
  return { clock, throttle, started, giveBack, start };
}

describe("joins to one server", () => {
  test("take turns, in the order of arrival", async () => {
    const { clock, throttle, started, giveBack, start } = setUp();
    for (const name of ["a", "b", "c", "d"]) void start(name);
    await clock.advance(0);
    expect(started).toEqual(["a", "b"]);
    giveBack.get("b")?.();
    giveBack.get("b")?.();
    await clock.advance(0);
    expect(started).toEqual(["a", "b", "c"]);
    for (const name of ["a", "c", "d"]) {
      giveBack.get(name)?.();
      await clock.advance(0);
    }
    expect(started).toEqual(["a", "b", "c", "d"]);
    expect([throttle.lanes, clock.pending]).toEqual([0, 0]);
  });

  test("hold their slot for a second at most", async () => {
    const { clock, throttle, started, start } = setUp();
    for (const name of ["a", "b", "c", "d", "e"]) void start(name);
    await clock.advance(999);
    expect(started).toEqual(["a", "b"]);
    await clock.advance(1);
    expect(started).toEqual(["a", "b", "c", "d"]);
    await clock.advance(2000);
    expect(started).toEqual(["a", "b", "c", "d", "e"]);
    expect(throttle.lanes).toBe(0);
  });

  test("leave the queue when they are given up, also before they come", async () => {
    const { clock, started, start, giveBack } = setUp();
    void start("a");
    void start("b");
    const giveUp = new AbortController();
    const waiting = start("c", "s", giveUp.signal);
    void start("d");
    giveUp.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    await expect(start("e", "s", giveUp.signal)).rejects.toThrow("enough");
    giveBack.get("a")?.();
    await clock.advance(0);
    expect(started).toEqual(["a", "b", "d"]);
  });
});

test("a server that hangs delays joins to another not at all", async () => {
  const { clock, started, start } = setUp();
  for (let count = 0; count < 10; count += 1) void start(`hole ${count}`, "hole");
  void start("bystander", "healthy");
  await clock.advance(0);
  expect(started).toContain("bystander");
});
