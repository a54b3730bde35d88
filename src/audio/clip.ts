// One playback's samples on their way to a track. The decoder fills it, the track's pacer empties it; in between lies less
// than a second, so memory does not depend on how long the audio is, and stopping is taking the clip off its track.

import type { FrameSource, TrackFormat } from "../livekit/room.js";

export interface ClipObserver {
  /** The first sample is on its way to the room. */
  began(): void;
  /** Every 500 ms of sound; the first with position 0. */
  progressed(positionMs: number): void;
  /** The last sample has been played out. */
  finished(durationMs: number): void;
}

const PROGRESS_EVERY_MS = 500;
/** Decoding pauses above this and goes on below half of it. */
const AHEAD_MAX_MS = 600;

export class Clip implements FrameSource {
  readonly #samplesPerMs: number;
  readonly #observer: ClipObserver;
  readonly #pieces: Int16Array[] = [];
  #offset = 0;
  #queued = 0;
  #played = 0;
  #reportedMs = -PROGRESS_EVERY_MS;
  #isComplete = false;
  #isFinished = false;
  #resume: (() => void) | undefined;

  constructor(format: TrackFormat, observer: ClipObserver) {
    this.#samplesPerMs = (format.sampleRateHz * format.channels) / 1000;
    this.#observer = observer;
  }

  get positionMs(): number {
    return Math.round(this.#played / this.#samplesPerMs);
  }

  /** Appends samples in the track's format. Resolves when there is room for more. */
  push(samples: Int16Array): Promise<void> {
    // Whoever was converting while the clip was cleared must not wait for a track that will never ask again.
    if (this.#isFinished) return Promise.resolve();
    if (samples.length > 0) this.#pieces.push(samples);
    this.#queued += samples.length;
    if (this.#queued <= AHEAD_MAX_MS * this.#samplesPerMs) return Promise.resolve();
    return new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  /** Nothing more comes. */
  complete(): void {
    this.#isComplete = true;
  }

  /** Drops what waits, and lets a writer go that waits for room. */
  clear(): void {
    this.#pieces.length = 0;
    this.#queued = 0;
    this.#isFinished = true;
    this.#resumeWriter();
  }

  read(frame: Int16Array): number {
    if (this.#isFinished) return 0;
    if (this.#isComplete && this.#queued === 0) {
      // Asked for a frame after the last one: by now that has been played.
      this.#isFinished = true;
      this.#observer.finished(this.positionMs);
      return 0;
    }
    const filled = this.#take(frame);
    if (filled > 0) this.#report();
    this.#played += filled;
    if (this.#queued <= (AHEAD_MAX_MS / 2) * this.#samplesPerMs) this.#resumeWriter();
    return filled;
  }

  #take(frame: Int16Array): number {
    let filled = 0;
    for (let piece = this.#pieces[0]; piece && filled < frame.length; piece = this.#pieces[0]) {
      const part = piece.subarray(this.#offset, this.#offset + frame.length - filled);
      frame.set(part, filled);
      filled += part.length;
      this.#offset += part.length;
      if (this.#offset < piece.length) break;
      this.#pieces.shift();
      this.#offset = 0;
    }
    this.#queued -= filled;
    return filled;
  }

  #report(): void {
    const { positionMs } = this;
    if (positionMs === 0 && this.#played === 0) this.#observer.began();
    if (positionMs - this.#reportedMs < PROGRESS_EVERY_MS) return;
    this.#reportedMs += PROGRESS_EVERY_MS;
    this.#observer.progressed(this.#reportedMs);
  }

  #resumeWriter(): void {
    this.#resume?.();
    this.#resume = undefined;
  }
}
