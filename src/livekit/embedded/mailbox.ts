// Everything the in-memory server tells anybody goes through one queue. It is emptied by a timer of the injected clock
// with no delay: so no callback ever runs inside the call that caused it, the order of sending is the order of
// arrival for all participants together, and on a simulated clock nothing moves before the test advances it. What is
// sent during one round waits for the next, so two participants that answer each other cannot starve the event loop.

import type { Clock } from "../../time.js";

export interface Mailbox {
  post(letter: () => void): void;
}

export function createMailbox(clock: Clock, onError: (error: unknown) => void): Mailbox {
  let letters: (() => void)[] = [];

  function deliver(): void {
    const round = letters;
    letters = [];
    for (const letter of round) {
      try {
        letter();
      } catch (error) {
        // On its own, so that a reporter that throws itself cannot cost anybody the rest of the round.
        queueMicrotask(() => onError(error));
      }
    }
  }

  return {
    post(letter) {
      if (letters.push(letter) === 1) clock.setTimeout(deliver, 0);
    },
  };
}
