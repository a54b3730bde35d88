// Heartbeats, and the watch over their echoes. Only an echo proves that both directions work and that it is the bridge
// that answers, not a proxy in between.

import type { Clock, Random } from "../clock.js";
import type { ClientLimits } from "../limits.js";

export interface EchoWatchInput {
  readonly isOldBridge: boolean;
  readonly limits: ClientLimits;
  readonly clock: Clock;
  readonly random: Random;
}

export interface EchoWatchListener {
  beat(): void;
  silent(): void;
}

/**
 * The end of the wait is a wait of its own. A process that was held up before it has that long to send the heartbeat that is
 * due and to read the echo that is there; one that is held up in it waits again.
 */
const LAST_WAIT_MAX_MS = 500;

export class EchoWatch {
  readonly #input: EchoWatchInput;
  readonly #listener: EchoWatchListener;
  #beatTimer: unknown;
  #silenceTimer: unknown;

  constructor(input: EchoWatchInput, listener: EchoWatchListener) {
    this.#input = input;
    this.#listener = listener;
  }

  start(): void {
    const { limits, random } = this.#input;
    // Somewhere in the interval, so that the heartbeats of many users spread.
    this.#beatIn(limits.heartbeatIntervalMs * random());
    this.echoed();
  }

  echoed(): void {
    const { isOldBridge, limits, clock } = this.#input;
    if (isOldBridge) return;
    clock.clearTimeout(this.#silenceTimer);
    const lastWaitMs = Math.min(LAST_WAIT_MAX_MS, limits.echoTimeoutMs / 2);
    this.#silenceTimer = clock.setTimeout(() => this.#waitAtLast(lastWaitMs), limits.echoTimeoutMs - lastWaitMs);
  }

  stop(): void {
    this.#input.clock.clearTimeout(this.#beatTimer);
    this.#input.clock.clearTimeout(this.#silenceTimer);
  }

  #beatIn(delayMs: number): void {
    const { clock, limits } = this.#input;
    this.#beatTimer = clock.setTimeout(() => {
      this.#beatIn(limits.heartbeatIntervalMs);
      this.#listener.beat();
    }, delayMs);
  }

  #waitAtLast(delayMs: number): void {
    const { clock } = this.#input;
    const dueAtMs = clock.now() + delayMs;
    this.#silenceTimer = clock.setTimeout(() => {
      if (clock.now() - dueAtMs > delayMs / 2) this.#waitAtLast(delayMs);
      else this.#listener.silent();
    }, delayMs);
  }
}
