// What outlives XState's own clean-up: when a session crashes, its actors' clean-up never runs, but its scope is aborted
// all the same, and everybody who still waits for an answer gets one.

import { setMaxListeners } from "node:events";
import type { SessionScope, Settleable } from "../machines/ports.js";

export function createSessionScope(): SessionScope {
  const abortion = new AbortController();
  // A room, a stream and every playback listen: more than Node takes for normal, and bounded all the same.
  setMaxListeners(0, abortion.signal);
  const owed = new Set<Settleable>();
  return {
    signal: abortion.signal,
    own(port) {
      if (abortion.signal.aborted) return abandon(port);
      for (const other of owed) if (other.isSettled) owed.delete(other);
      owed.add(port);
    },
    abort() {
      if (abortion.signal.aborted) return;
      abortion.abort();
      for (const port of owed) abandon(port);
      owed.clear();
    },
  };
}

/** Aborting is the last resort of a session that has failed; a port that fails as well must not take the others along. */
function abandon(port: Settleable): void {
  if (port.isSettled) return;
  try {
    port.abandon();
  } catch {
    // Nobody is left who could be told.
  }
}
