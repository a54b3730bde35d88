// Takes joins in turn. Parallel joins make libwebrtc gather addresses again for every room that is joining, so forty at
// once cost 1,400 threads and 4,000 descriptors for a moment, and each takes seconds.
//
// Every server has a lane of its own: one that accepts and then says nothing holds up nobody else. Within a lane a slot
// is lent for a limited time, since a connect cannot be cancelled and may hang for as long as its timeouts add up to.

import type { Clock } from "../time.js";

export interface ConnectThrottle {
  /**
   * Resolves with a function that gives the slot back (at most once; the time limit does it otherwise).
   * Rejects with the signal's reason when it aborts first; nothing is held then.
   */
  acquire(server: string, signal: AbortSignal): Promise<() => void>;
  /** Servers with a slot lent or somebody waiting. */
  readonly lanes: number;
}

export interface ConnectThrottleOptions {
  readonly clock: Clock;
  /** Slots lent at a time, per server. */
  readonly concurrencyMax: number;
  /** A slot is taken back after this, in milliseconds. */
  readonly slotMaxMs: number;
}

interface Lane {
  lent: number;
  /** In order of arrival. */
  readonly waiting: Set<() => void>;
}

export function createConnectThrottle(options: ConnectThrottleOptions): ConnectThrottle {
  const { clock, concurrencyMax, slotMaxMs } = options;
  const lanes = new Map<string, Lane>();

  function lend(server: string, lane: Lane): () => void {
    lane.lent += 1;
    const timer = clock.setTimeout(giveBack, slotMaxMs);
    let held = true;
    function giveBack(): void {
      if (!held) return;
      held = false;
      clock.clearTimeout(timer);
      lane.lent -= 1;
      const [next] = lane.waiting;
      if (next) next();
      else if (lane.lent === 0) lanes.delete(server);
    }
    return giveBack;
  }

  return {
    acquire(server, signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(asError(signal.reason));
        const lane = lanes.get(server) ?? { lent: 0, waiting: new Set() };
        lanes.set(server, lane);
        if (lane.lent < concurrencyMax) return resolve(lend(server, lane));
        const onTurn = (): void => {
          lane.waiting.delete(onTurn);
          signal.removeEventListener("abort", onAbort);
          resolve(lend(server, lane));
        };
        const onAbort = (): void => {
          lane.waiting.delete(onTurn);
          reject(asError(signal.reason));
        };
        lane.waiting.add(onTurn);
        signal.addEventListener("abort", onAbort, { once: true });
      });
    },
    get lanes() {
      return lanes.size;
    },
  };
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error("aborted");
}
