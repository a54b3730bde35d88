// Connects that were given up but cannot be cancelled. One that still comes through puts out the user's newer session,
// since LiveKit lets only the newest of an identity stay; such an end is no theft of the identity, and the client of the
// newer session must be told to come back.

import type { Clock } from "../time.js";

export interface Strays {
  /** `connecting` settles when nothing is left of the attempt. */
  add(userId: string, connecting: Promise<void>): void;
  has(userId: string): boolean;
}

/** The server's word that somebody was put out may come after the late room has been closed again. */
const REMEMBERED_MS = 2000;

export function createStrays(clock: Clock): Strays {
  const counts = new Map<string, number>();
  const change = (userId: string, by: number) => {
    const count = (counts.get(userId) ?? 0) + by;
    if (count > 0) counts.set(userId, count);
    else counts.delete(userId);
  };
  return {
    add(userId, connecting) {
      change(userId, 1);
      void connecting.then(() => clock.setTimeout(() => change(userId, -1), REMEMBERED_MS));
    },
    has: (userId) => counts.has(userId),
  };
}
