// Something like a voice: vowels whose pitch falls and rises, syllables, and pauses between phrases. It is made by
// adding up the harmonics of a pitch, each as loud as the vowel's resonances (formants) make it.

export const SPEECH_RATE_HZ = 16_000;

interface Vowel {
  /** Centres of the three resonances that tell vowels apart, in hertz. */
  readonly formantsHz: readonly [number, number, number];
}

interface Syllable {
  readonly vowel: Vowel;
  readonly durationMs: number;
  /** Pitch at the syllable's beginning and end. */
  readonly pitchHz: readonly [number, number];
  readonly pauseAfterMs: number;
}

const A: Vowel = { formantsHz: [730, 1090, 2440] };
const E: Vowel = { formantsHz: [530, 1840, 2480] };
const I: Vowel = { formantsHz: [270, 2290, 3010] };
const O: Vowel = { formantsHz: [570, 840, 2410] };
const U: Vowel = { formantsHz: [300, 870, 2240] };

/** A sentence, a question and a short answer: about four seconds. */
const SENTENCES: readonly Syllable[] = [
  { vowel: E, durationMs: 140, pitchHz: [128, 136], pauseAfterMs: 40 },
  { vowel: O, durationMs: 230, pitchHz: [140, 122], pauseAfterMs: 60 },
  { vowel: A, durationMs: 160, pitchHz: [124, 130], pauseAfterMs: 30 },
  { vowel: I, durationMs: 120, pitchHz: [130, 126], pauseAfterMs: 40 },
  { vowel: U, durationMs: 280, pitchHz: [122, 98], pauseAfterMs: 420 },
  { vowel: A, durationMs: 150, pitchHz: [120, 126], pauseAfterMs: 35 },
  { vowel: E, durationMs: 130, pitchHz: [126, 132], pauseAfterMs: 45 },
  { vowel: I, durationMs: 150, pitchHz: [132, 144], pauseAfterMs: 30 },
  { vowel: O, durationMs: 310, pitchHz: [146, 188], pauseAfterMs: 520 },
  { vowel: U, durationMs: 150, pitchHz: [132, 120], pauseAfterMs: 50 },
  { vowel: A, durationMs: 320, pitchHz: [126, 92], pauseAfterMs: 640 },
];

const PEAK = 0.6 * 32_767;
const HARMONICS_MAX_HZ = 3600;
const FORMANT_WIDTH_HZ = 110;
const ATTACK_MS = 25;
const RELEASE_MS = 60;

/** The whole utterance, to be repeated. PCM16 mono. */
export function synthesiseSpeech(): Int16Array {
  const parts = SENTENCES.flatMap((syllable) => [voice(syllable), new Float64Array(samplesIn(syllable.pauseAfterMs))]);
  const loudest = Math.max(...parts.map(peakOf));
  return Int16Array.from(parts.flatMap((part) => Array.from(part, (value) => Math.round((value * PEAK) / loudest))));
}

function voice({ vowel, durationMs, pitchHz: [from, to] }: Syllable): Float64Array {
  const samples = new Float64Array(samplesIn(durationMs));
  let phase = 0;
  for (let index = 0; index < samples.length; index += 1) {
    const pitchHz = from + ((to - from) * index) / samples.length;
    phase += (2 * Math.PI * pitchHz) / SPEECH_RATE_HZ;
    let sum = 0;
    for (let harmonic = 1; harmonic * pitchHz < HARMONICS_MAX_HZ; harmonic += 1) {
      sum += loudnessAt(harmonic * pitchHz, vowel) * Math.sin(harmonic * phase);
    }
    const fade = Math.min(index / samplesIn(ATTACK_MS), (samples.length - index) / samplesIn(RELEASE_MS), 1);
    samples[index] = sum * fade;
  }
  return samples;
}

/** Louder near a resonance, and softer the higher it is, as the voice's own source is. */
function loudnessAt(frequencyHz: number, { formantsHz }: Vowel): number {
  let loudness = 0;
  for (const formantHz of formantsHz) loudness += 1 / (1 + ((frequencyHz - formantHz) / FORMANT_WIDTH_HZ) ** 2);
  return (0.05 + loudness) / (1 + frequencyHz / 800);
}

function peakOf(samples: Float64Array): number {
  return samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0);
}

function samplesIn(durationMs: number): number {
  return Math.round((durationMs * SPEECH_RATE_HZ) / 1000);
}
