// A frame of 20 ms on its way into an Opus packet. The base is speech in mono.

import { createOpusEncoder, loadOpus } from "../../src/livekit/datachannel/opus-encoder.js";
import { speechLike } from "../../test/support/speech-like.js";
import type { Comparison } from "./rounds.js";
import { compare, cpuNsPerUnit } from "./rounds.js";

const DURATION_MS = 4000;
const SAMPLES_PER_FRAME = 960;

export async function opus(rounds: number): Promise<Comparison[]> {
  await loadOpus();
  const speech = speechLike(DURATION_MS);
  const silence = new Int16Array(speech.length);
  const variants = [
    { name: "speech, mono", ...encoding(speech, 1) },
    { name: "control: the same again", ...encoding(speech, 1) },
    { name: "speech, stereo", ...encoding(speech, 2) },
    { name: "silence, mono", ...encoding(silence, 1) },
    { name: "silence, stereo", ...encoding(silence, 2) },
  ];
  return [await compare({ title: "a frame of 20 ms to an Opus packet", unit: "frame", rounds }, variants)];
}

function encoding(mono: Int16Array, channels: 1 | 2) {
  const encoder = createOpusEncoder({ sampleRateHz: 48_000, channels });
  const frames = framesOf(mono, channels);
  const run = () =>
    cpuNsPerUnit(frames.length, () => {
      for (const frame of frames) encoder.encode(frame);
    });
  return { run };
}

/** Frames of 20 ms. The right channel of stereo is a little later and softer than the left. */
export function framesOf(mono: Int16Array, channels: 1 | 2): Int16Array[] {
  return Array.from({ length: Math.floor(mono.length / SAMPLES_PER_FRAME) }, (_, at) =>
    Int16Array.from({ length: SAMPLES_PER_FRAME * channels }, (_, i) => {
      const position = at * SAMPLES_PER_FRAME + Math.floor(i / channels);
      return i % channels === 0 ? (mono[position] ?? 0) : 0.7 * (mono[position - 37] ?? 0);
    }),
  );
}
