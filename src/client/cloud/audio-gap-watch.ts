// Everything says connected, the microphone is on, and nothing is heard: the bridge is made to join again. A few times, and
// then not for a minute: a phone that is kept busy with reconnecting answers no pings, loses its connection for that, and
// reconnects the more. Whatever else explains the silence stops the watch from acting.

import type { Clock } from "../clock.js";
import type { ClientLogger } from "../log.js";
import type { ManagerLimits } from "./manager-limits.js";

export interface AudioGapWatchOptions {
  readonly clock: Clock;
  readonly logger: ClientLogger;
  readonly limits: Pick<ManagerLimits, "gapThresholdMs" | "gapCheckMs" | "gapAttemptsMax" | "gapCooldownMs">;
  /** On the clock's monotonic time; `undefined` before the first audio. */
  lastAudioAtMs(): number | undefined;
  /** What explains the silence, or forbids to act on it. */
  obstacle(): string | undefined;
  /** Resolves to whether a join was really set off. Must not reject, and must end in time. */
  rejoin(): Promise<boolean>;
  /** All attempts are used up and nothing is heard. */
  silent(gapMs: number): void;
  /** Audio is fresh. Called at each check that finds it so. */
  heard(): void;
}

export class AudioGapWatch {
  readonly #options: AudioGapWatchOptions;
  /** One object per `start`, so that what was under way before a `stop` sets no timer afterwards. */
  #run: { timer: unknown } | undefined;
  /** Silence counts from here at the earliest: nobody could be heard before. */
  #countsFromMs = 0;
  #attempts = 0;
  #lastAttemptAtMs = 0;
  #isExhausted = false;

  constructor(options: AudioGapWatchOptions) {
    this.#options = options;
  }

  /** The microphone is on. */
  start(): void {
    if (this.#run) return;
    this.#countsFromMs = this.#options.clock.now();
    const run = { timer: undefined };
    this.#run = run;
    this.#arm(run);
  }

  /** Nothing is expected any more: no timer is left. */
  stop(): void {
    this.#options.clock.clearTimeout(this.#run?.timer);
    this.#run = undefined;
  }

  #arm(run: { timer: unknown }): void {
    const { clock, limits } = this.#options;
    if (this.#run === run) run.timer = clock.setTimeout(() => void this.#check(run), limits.gapCheckMs);
  }

  async #check(run: { timer: unknown }): Promise<void> {
    const { clock, limits, lastAudioAtMs, obstacle, heard } = this.#options;
    const lastMs = lastAudioAtMs();
    if (lastMs !== undefined && clock.now() - lastMs < limits.gapThresholdMs) {
      if (this.#isCool()) this.#attempts = 0;
      this.#isExhausted = false;
      heard();
    } else if (lastMs === undefined || obstacle() !== undefined) {
      this.#countsFromMs = clock.now();
    } else {
      const gapMs = clock.now() - Math.max(lastMs, this.#countsFromMs);
      if (gapMs >= limits.gapThresholdMs) await this.#act(clock.now() - lastMs);
    }
    this.#arm(run);
  }

  async #act(gapMs: number): Promise<void> {
    const { clock, limits, logger, rejoin, silent } = this.#options;
    if (this.#attempts >= limits.gapAttemptsMax && this.#isCool()) this.#attempts = 0;
    if (this.#attempts >= limits.gapAttemptsMax) {
      if (this.#isExhausted) return;
      this.#isExhausted = true;
      logger.warn(
        { gapMs, attempts: this.#attempts, cooldownMs: limits.gapCooldownMs },
        "Audio gap persists; pausing rejoins",
      );
      silent(gapMs);
      return;
    }
    if (!(await rejoin())) return;
    this.#attempts += 1;
    this.#lastAttemptAtMs = clock.now();
    this.#countsFromMs = clock.now();
    logger.warn(
      { gapMs, attempt: this.#attempts, attemptsMax: limits.gapAttemptsMax },
      "Audio gap: the bridge was rejoined",
    );
  }

  #isCool(): boolean {
    return this.#options.clock.now() - this.#lastAttemptAtMs >= this.#options.limits.gapCooldownMs;
  }
}
