// One beat for every playing track of the process. Ticks are counted from a fixed start, so the beat does not drift
// however late a single timer fires; with nobody listening no timer exists.

import type { Clock } from "../time.js";

export interface Pacer {
  readonly intervalMs: number;
  /** Calls `tick` on every beat until removed. Adding twice is adding once. */
  add(member: PacerMember): void;
  remove(member: PacerMember): void;
  readonly size: number;
}

export interface PacerMember {
  /** `atMs`: when the beat is due, whatever the timer made of it. Must not throw. */
  tick(atMs: number): void;
}

/** After a longer stall of the event loop the beat starts anew instead of rushing: audio comes late, none is lost. */
const CATCH_UP_MAX_MS = 100;

export function createPacer(clock: Clock, intervalMs: number): Pacer {
  const members = new Set<PacerMember>();
  let timer: unknown;
  let isBeating = false;
  let nextAtMs = Number.NEGATIVE_INFINITY;

  function beat(): void {
    timer = undefined;
    isBeating = true;
    const now = clock.now();
    if (now - nextAtMs > CATCH_UP_MAX_MS) nextAtMs = now;
    for (; nextAtMs <= now && members.size > 0; nextAtMs += intervalMs) tickAll(nextAtMs);
    isBeating = false;
    if (members.size > 0) schedule();
  }

  function tickAll(atMs: number): void {
    // A copy: whoever is added by a tick begins with the next beat, and leaving and coming back is no second tick.
    for (const member of Array.from(members)) {
      if (members.has(member)) tick(member, atMs);
    }
  }

  /** A tick that throws breaks its promise: it loses its place, the error surfaces alone, the others play on. */
  function tick(member: PacerMember, atMs: number): void {
    try {
      member.tick(atMs);
    } catch (error) {
      members.delete(member);
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  function schedule(): void {
    timer = clock.setTimeout(beat, Math.max(0, nextAtMs - clock.now()));
  }

  return {
    intervalMs,
    add(member) {
      members.add(member);
      if (timer !== undefined || isBeating) return;
      // Whoever leaves and comes back, as another member too, stays on the beat: two frames closer than that are jitter to receivers.
      nextAtMs = Math.max(nextAtMs, clock.now());
      schedule();
    },
    remove(member) {
      members.delete(member);
      if (members.size > 0 || timer === undefined) return;
      clock.clearTimeout(timer);
      timer = undefined;
    },
    get size() {
      return members.size;
    },
  };
}
