// A clock that moves only when told to. Timers run one by one, in the order of their times (ties: in the order they
// were set), and between any two of them everything asynchronous that a timer has set off gets its turn. So a test that
// advances by an hour sees what a real hour would have shown, in the same order, every time.

import type { Clock } from "../../src/time.js";

export interface SimulatedClock extends Clock {
  /**
   * Moves time on by `ms`. Timers that become due, those set meanwhile included, run at their own times.
   * `advance(0)` runs what is due now and lets promises settle. Rejects with what a timer throws; time stays there.
   */
  advance(ms: number): Promise<void>;
  /** Timers that are set and have neither run nor been cleared. */
  readonly pending: number;
}

export interface SimulatedClockOptions {
  /** Wall clock at the start, in milliseconds since 1970. The default is the real one, so that fresh tokens are valid. */
  readonly wallStartMs?: number;
}

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly handler: () => void;
}

/** More timers than this at one instant are a loop of zero delays, which would never let `advance` end. */
const TIMERS_PER_INSTANT_MAX = 100_000;
/** Turns of the event loop before time moves on; code that hops through a few `setImmediate`s settles within these. */
const QUIET_TURNS = 4;

export function createSimulatedClock(options: SimulatedClockOptions = {}): SimulatedClock {
  const wallStartMs = options.wallStartMs ?? Date.now();
  /** Sorted by time, then order. */
  const timers: Timer[] = [];
  let nowMs = 0;
  let orders = 0;
  let isAdvancing = false;

  /** Runs what is due up to `targetMs`; time moves to each timer's own time before it runs. */
  async function runUntil(targetMs: number): Promise<void> {
    let ranAtInstant = 0;
    for (;;) {
      if (!isDue(timers[0], nowMs)) await turn(QUIET_TURNS);
      const timer = timers[0];
      if (timer === undefined || timer.atMs > targetMs) return;
      timers.shift();
      ranAtInstant = timer.atMs > nowMs ? 0 : ranAtInstant + 1;
      if (ranAtInstant > TIMERS_PER_INSTANT_MAX) throw new Error(`endless timers at ${nowMs} ms`);
      nowMs = Math.max(nowMs, timer.atMs);
      timer.handler();
      await turn(1);
    }
  }

  return {
    now: () => nowMs,
    wallNow: () => wallStartMs + nowMs,
    setTimeout(handler, delayMs) {
      const timer = { atMs: nowMs + (delayMs > 0 ? delayMs : 0), order: orders++, handler };
      timers.splice(indexOf(timers, timer), 0, timer);
      return timer;
    },
    clearTimeout(id) {
      if (id === undefined || id === null) return;
      const index = indexOf(timers, id as Timer);
      if (timers[index] === id) timers.splice(index, 1);
    },
    async advance(ms) {
      if (isAdvancing) throw new Error("advance is already under way; await it first");
      isAdvancing = true;
      try {
        const targetMs = nowMs + ms;
        await runUntil(targetMs);
        nowMs = targetMs;
      } finally {
        isAdvancing = false;
      }
    },
    get pending() {
      return timers.length;
    },
  };
}

function isDue(timer: Timer | undefined, nowMs: number): boolean {
  return timer !== undefined && timer.atMs <= nowMs;
}

/** Where `timer` is, or belongs: the first place whose timer is not before it. */
function indexOf(timers: readonly Timer[], timer: Timer): number {
  let low = 0;
  let high = timers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = timers[middle];
    if (other !== undefined && isBefore(other, timer)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs;
}

/** Lets the event loop turn: microtasks, `nextTick` and the immediates that are set now all run. */
async function turn(count: number): Promise<void> {
  for (let done = 0; done < count; done++) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}
