// Who else is in the room, told without the flicker of a reconnect.
//
// When LiveKit rebuilds a connection from scratch, it first reports that everybody has left, then that it is
// reconnecting, then that everybody has joined again. Leaves are therefore told a moment later, and those that turn out
// to belong to a reconnect are told only if the participant is still missing when the room is back.

import type { Clock } from "../../time.js";

export interface Roster {
  readonly identities: readonly string[];
  readonly size: number;
  joined(identity: string): void;
  left(identity: string): void;
  reconnecting(): void;
  reconnected(): void;
  /** Ends the roster; nothing is told any more. */
  close(): void;
}

export interface RosterOptions {
  readonly clock: Clock;
  readonly present: readonly string[];
  readonly onJoined: (identity: string) => void;
  readonly onLeft: (identity: string) => void;
}

/** The leaves of a reconnect and the word of it come in one burst; this leaves room for a busy event loop. */
const LEAVE_DELAY_MS = 100;

export function createRoster(options: RosterOptions): Roster {
  const { clock, onJoined, onLeft } = options;
  const present = new Set(options.present);
  /** Reported to have left, still counted as present. */
  const leaving = new Set<string>();
  let isReconnecting = false;
  let timer: unknown;

  function tellLeaves(): void {
    stopTimer();
    const gone = [...leaving];
    leaving.clear();
    for (const identity of gone) if (present.delete(identity)) onLeft(identity);
  }

  function stopTimer(): void {
    if (timer !== undefined) clock.clearTimeout(timer);
    timer = undefined;
  }

  return {
    get identities() {
      return [...present];
    },
    get size() {
      return present.size;
    },
    joined(identity) {
      if (isReconnecting && leaving.delete(identity)) return;
      if (leaving.has(identity)) tellLeaves();
      if (present.has(identity)) return;
      present.add(identity);
      onJoined(identity);
    },
    left(identity) {
      if (!present.has(identity)) return;
      leaving.add(identity);
      if (!isReconnecting) timer ??= clock.setTimeout(tellLeaves, LEAVE_DELAY_MS);
    },
    reconnecting() {
      isReconnecting = true;
      stopTimer();
    },
    reconnected() {
      isReconnecting = false;
      tellLeaves();
    },
    close() {
      stopTimer();
      leaving.clear();
      present.clear();
    },
  };
}
