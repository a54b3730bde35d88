// What the cloud says to the phone, and what of it can be recognised again.

import { audibleMs, frequencyOf, level, tone } from "../test/support/tone.js";
import { SPEECH_RATE_HZ } from "./speech.js";

export const TONE_HZ = 440;
export const TONE_MS = 1000;
const AMPLITUDE = 0.5;
const FADE_MS = 10;
const HEARD_RATE_HZ = 48_000;

/** A sine that begins and ends softly, so that nothing clicks. */
export function makeTone(): Int16Array {
  const samples = tone({
    frequencyHz: TONE_HZ,
    durationMs: TONE_MS,
    sampleRateHz: SPEECH_RATE_HZ,
    amplitude: AMPLITUDE,
  });
  const fadeSamples = (FADE_MS * SPEECH_RATE_HZ) / 1000;
  return samples.map((sample, index) => {
    const edge = Math.min(index, samples.length - index);
    return sample * Math.min(1, edge / fadeSamples);
  });
}

export interface HeardTone {
  readonly frequencyHz: number;
  /** Root mean square against what was sent: 1 is as loud. */
  readonly loudness: number;
  readonly durationMs: number;
}

/** Measures a tone of `TONE_MS` somewhere in what was heard. */
export function measureTone(frames: readonly Int16Array[]): HeardTone {
  const heard = Int16Array.from(frames.flatMap((frame) => [...frame]));
  const onset = heard.findIndex((sample) => Math.abs(sample) > 0.1 * 32_767);
  const fromMs = 100;
  // The middle of the tone, away from its soft edges and from a codec's first frames.
  const core = heard.subarray(onset + at(fromMs), onset + at(TONE_MS - fromMs));
  return {
    frequencyHz: onset < 0 ? 0 : frequencyOf(core, HEARD_RATE_HZ),
    loudness: onset < 0 ? 0 : level(core) / (AMPLITUDE / Math.SQRT2),
    durationMs: audibleMs(heard, 0.02, HEARD_RATE_HZ),
  };
}

const at = (ms: number) => (ms * HEARD_RATE_HZ) / 1000;
