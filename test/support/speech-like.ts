// Sound that an encoder takes for speech: pulses of a voice or hiss through the resonances of a mouth, in syllables, with
// pauses between. The same on every run.

const RATE_HZ = 48_000;
const PEAK = 20_000;
/** The three lowest resonances of five vowels, in hertz. */
const VOWELS = [
  [730, 1090, 2440],
  [270, 2290, 3010],
  [300, 870, 2240],
  [530, 1840, 2480],
  [570, 840, 2410],
] as const;
const FORMANT_WIDTHS_HZ = [80, 110, 160] as const;
const FORMANT_LEVELS = [1, 0.5, 0.25] as const;

type Filter = (sample: number) => number;

/** Mono, 48 kHz, the loudest sample at 61 % of full scale. */
export function speechLike(durationMs: number): Int16Array {
  const random = createRandom(7);
  const sound = new Float64Array((durationMs * RATE_HZ) / 1000);
  for (let at = 0; at < sound.length;) {
    const length = Math.floor(RATE_HZ * (0.12 + 0.15 * random()));
    const kind = random();
    const syllable = sound.subarray(at, at + length);
    if (kind < 0.2) hiss(syllable, random);
    else if (kind < 0.85) vowel(syllable, random);
    at += kind < 0.85 ? length : 2 * length;
  }
  const loudest = sound.reduce((max, sample) => Math.max(max, Math.abs(sample)), 0);
  return Int16Array.from(sound, (sample) => Math.round((sample / loudest) * PEAK));
}

function vowel(syllable: Float64Array, random: () => number): void {
  const pitchHz = 100 + 120 * random();
  const formants = VOWELS[Math.floor(random() * VOWELS.length)] ?? VOWELS[0];
  const filters = formants.map((hz, at) => resonance(hz, FORMANT_WIDTHS_HZ[at] ?? 80));
  let phase = 0;
  for (let i = 0; i < syllable.length; i += 1) {
    phase += (pitchHz * (1 + 0.1 * Math.sin(i / 9000))) / RATE_HZ;
    const pulse = phase >= 1 ? 40 : 0;
    phase %= 1;
    const throat = pulse + 0.05 * (random() * 2 - 1);
    const mouth = filters.reduce((sum, filter, at) => sum + (FORMANT_LEVELS[at] ?? 0) * filter(throat), 0);
    syllable[i] = mouth * Math.sin((Math.PI * i) / syllable.length);
  }
}

function hiss(syllable: Float64Array, random: () => number): void {
  const teeth = resonance(4500 + 2500 * random(), 1800);
  for (let i = 0; i < syllable.length; i += 1) {
    syllable[i] = 0.5 * teeth(random() * 2 - 1) * Math.sin((Math.PI * i) / syllable.length);
  }
}

/** Two poles at `hz`, of about the same gain wherever they are. */
function resonance(hz: number, widthHz: number): Filter {
  const radius = Math.exp((-Math.PI * widthHz) / RATE_HZ);
  const angle = (2 * Math.PI * hz) / RATE_HZ;
  const gain = (1 - radius) * Math.sqrt(1 + radius * radius - 2 * radius * Math.cos(2 * angle));
  let last = 0;
  let beforeThat = 0;
  return (sample) => {
    const next = gain * sample + 2 * radius * Math.cos(angle) * last - radius * radius * beforeThat;
    beforeThat = last;
    last = next;
    return next;
  };
}

/** 0 to 1. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
