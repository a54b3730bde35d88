// Tells the application that a user cannot be heard, and that he can be again: each once, on the change alone. A bridge
// that is gone for a moment is nobody's business; one that is gone for good is told at once.

import type { Clock } from "../clock.js";

export interface AudioUnavailable {
  /** `bridge_unreachable`: not joined for a while. `session_ended`: nobody tries until the user acts. `no_audio`: joined, and silent. */
  readonly reason: "bridge_unreachable" | "session_ended" | "no_audio";
  /** For `session_ended`, why: `duplicate_identity`, `participant_removed`, `replaced`, `left`. */
  readonly detail?: string;
}

export interface AudioAvailable {
  /** Since the audio was lost, not since it was told. */
  readonly goneMs: number;
}

export interface AudioNoticeOptions {
  readonly clock: Clock;
  readonly afterMs: number;
  unavailable(notice: AudioUnavailable): void;
  available(notice: AudioAvailable): void;
}

export class AudioNotice {
  readonly #options: AudioNoticeOptions;
  /** When the link went down; `undefined` while it is up or nobody has asked for it yet. */
  #downSinceMs: number | undefined;
  #silentSinceMs: number | undefined;
  #timer: unknown;
  #toldSinceMs: number | undefined;
  #isClosed = false;

  constructor(options: AudioNoticeOptions) {
    this.#options = options;
  }

  /** The link is wanted and not up. */
  down(): void {
    if (this.#isClosed || this.#downSinceMs !== undefined) return;
    const { clock, afterMs } = this.#options;
    this.#downSinceMs = clock.now();
    this.#timer = clock.setTimeout(() => this.#tell({ reason: "bridge_unreachable" }, this.#downSinceMs), afterMs);
  }

  /** The link is down, and nobody tries to bring it up. */
  ended(detail: string): void {
    if (this.#isClosed) return;
    this.#downSinceMs ??= this.#options.clock.now();
    this.#options.clock.clearTimeout(this.#timer);
    this.#tell({ reason: "session_ended", detail }, this.#downSinceMs);
  }

  up(): void {
    this.#options.clock.clearTimeout(this.#timer);
    this.#downSinceMs = undefined;
    this.#tellIfWell();
  }

  /** The link is up, the microphone is on, and nothing has come since `gapMs` ago. */
  silent(gapMs: number): void {
    if (this.#isClosed) return;
    this.#silentSinceMs ??= this.#options.clock.now() - gapMs;
    this.#tell({ reason: "no_audio" }, this.#silentSinceMs);
  }

  heard(): void {
    this.#silentSinceMs = undefined;
    this.#tellIfWell();
  }

  close(): void {
    this.#isClosed = true;
    this.#options.clock.clearTimeout(this.#timer);
  }

  #tell(notice: AudioUnavailable, sinceMs: number | undefined): void {
    if (this.#isClosed || this.#toldSinceMs !== undefined) return;
    this.#toldSinceMs = sinceMs ?? this.#options.clock.now();
    this.#options.unavailable(notice);
  }

  #tellIfWell(): void {
    const sinceMs = this.#toldSinceMs;
    if (this.#isClosed || sinceMs === undefined) return;
    if (this.#downSinceMs !== undefined || this.#silentSinceMs !== undefined) return;
    this.#toldSinceMs = undefined;
    this.#options.available({ goneMs: this.#options.clock.now() - sinceMs });
  }
}
