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

/** A timer that is later than this found the process asleep: the echo may be there, and was not read yet. */
const LATE_MS = 500;

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
    if (this.#input.isOldBridge) return;
    this.#input.clock.clearTimeout(this.#silenceTimer);
    this.#silentIn(this.#input.limits.echoTimeoutMs);
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

  #silentIn(delayMs: number): void {
    const { clock } = this.#input;
    const dueAtMs = clock.now() + delayMs;
    this.#silenceTimer = clock.setTimeout(() => {
      if (clock.now() - dueAtMs > LATE_MS) this.#silentIn(LATE_MS);
      else this.#listener.silent();
    }, delayMs);
  }
}
