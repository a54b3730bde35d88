// Tones for the conformance tests: a source that plays one, and what can be said of what was heard.

import type { FrameSource } from "../../../src/livekit/room.js";
import { frequencyOf, level, tone } from "../../support/tone.js";

const RATE_HZ = 48_000;
const AMPLITUDE = 0.4;
/** Root mean square of the tone, 0 to 1 of full scale. */
export const TONE_LEVEL = AMPLITUDE / Math.SQRT2;
const WINDOW = RATE_HZ / 100;

export interface ToneSource extends FrameSource {
  readonly reads: number;
  /** Plays a tone of this duration from its beginning, instead of what was left. */
  play(durationMs: number): void;
}

export function createToneSource(frequencyHz: number): ToneSource {
  let left: Int16Array = new Int16Array();
  let reads = 0;
  return {
    get reads() {
      return reads;
    },
    play(durationMs) {
      left = tone({ frequencyHz, durationMs, amplitude: AMPLITUDE });
    },
    read(frame) {
      reads++;
      const now = left.subarray(0, frame.length);
      frame.set(now);
      left = left.subarray(now.length);
      return now.length;
    },
  };
}

export interface HeardTone {
  readonly durationMs: number;
  readonly frequencyHz: number;
  readonly level: number;
  /** Level from 200 ms behind the tone on, 0 if nothing came. */
  readonly levelAfter: number;
}

/** What of the heard is the tone: the windows of 10 ms that have at least half of its level. */
export function analyse(heard: Int16Array): HeardTone {
  const loud = loudWindows(heard);
  const first = loud[0] ?? 0;
  const last = loud.at(-1) ?? 0;
  const core = heard.subarray((first + 3) * WINDOW, Math.max(first + 4, last - 2) * WINDOW);
  return {
    durationMs: loud.length * 10,
    frequencyHz: frequencyOf(core),
    level: level(core),
    levelAfter: level(heard.subarray((last + 21) * WINDOW)),
  };
}

/** What was heard later than `ms` after the first sound began. */
export function laterThan(heard: Int16Array, ms: number): Int16Array {
  return heard.subarray((loudWindows(heard)[0] ?? 0) * WINDOW + (ms * RATE_HZ) / 1000);
}

function loudWindows(heard: Int16Array): number[] {
  const loud: number[] = [];
  for (let index = 0; (index + 1) * WINDOW <= heard.length; index++) {
    if (level(heard.subarray(index * WINDOW, (index + 1) * WINDOW)) > TONE_LEVEL / 2) loud.push(index);
  }
  return loud;
}
