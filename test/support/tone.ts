// Sounds that tests can recognise again after resampling, Opus and a network.

export interface ToneOptions {
  readonly frequencyHz: number;
  readonly durationMs: number;
  /** Default 48,000. */
  readonly sampleRateHz?: number;
  /** Peak, 0 to 1 of full scale. Default 0.5. */
  readonly amplitude?: number;
}

/** A sine, mono, beginning at phase zero. */
export function tone(options: ToneOptions): Int16Array {
  const { frequencyHz, durationMs, sampleRateHz = 48_000, amplitude = 0.5 } = options;
  const peak = amplitude * 32_767;
  const step = (2 * Math.PI * frequencyHz) / sampleRateHz;
  return Int16Array.from({ length: Math.round((durationMs * sampleRateHz) / 1000) }, (_, index) =>
    Math.round(peak * Math.sin(step * index)),
  );
}

/**
 * White noise, mono, the same on every run. No receiver shortens or stretches it to match its clock: for that a sound has to
 * repeat itself.
 */
export function noise({
  durationMs,
  sampleRateHz = 48_000,
  amplitude = 0.5,
}: Omit<ToneOptions, "frequencyHz">): Int16Array {
  let state = 1;
  return Int16Array.from({ length: Math.round((durationMs * sampleRateHz) / 1000) }, () => {
    // Numerical Recipes' linear congruential generator; its upper bits are random enough for the ear.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return Math.round((state / 2 ** 31) * amplitude * 32_767);
  });
}

/** Root mean square, 0 to 1 of full scale; a full-scale sine has 0.707. */
export function level(samples: Int16Array): number {
  if (samples.length === 0) return 0;
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return Math.sqrt(sum / samples.length) / 32_768;
}

/** The share of the signal's energy at one frequency, 0 to 1 (Goertzel). About 1 for a pure tone, about 0 elsewhere. */
export function shareAt(samples: Int16Array, frequencyHz: number, sampleRateHz = 48_000): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * frequencyHz) / sampleRateHz);
  let previous = 0;
  let beforeThat = 0;
  let energy = 0;
  for (const sample of samples) {
    const next = sample + coefficient * previous - beforeThat;
    beforeThat = previous;
    previous = next;
    energy += sample * sample;
  }
  if (energy === 0) return 0;
  const power = previous * previous + beforeThat * beforeThat - coefficient * previous * beforeThat;
  return Math.min(1, (2 * power) / (samples.length * energy));
}

/** Frequency of a single tone in hertz, from its rising zero crossings; 0 for silence. Ignores crossings within noise. */
export function frequencyOf(samples: Int16Array, sampleRateHz = 48_000): number {
  const noise = 0.1 * Math.SQRT2 * 32_768 * level(samples);
  const crossings: number[] = [];
  let isArmed = false;
  for (let index = 1; index < samples.length; index += 1) {
    const before = samples[index - 1] ?? 0;
    const now = samples[index] ?? 0;
    if (now < -noise) isArmed = true;
    if (!isArmed || now <= noise) continue;
    // Between the two samples around zero, as a straight line would cross; close enough for any audible tone.
    crossings.push(index - (now - noise) / Math.max(1, now - before));
    isArmed = false;
  }
  const first = crossings[0];
  const last = crossings.at(-1);
  if (first === undefined || last === undefined || last === first) return 0;
  return ((crossings.length - 1) * sampleRateHz) / (last - first);
}

/** Milliseconds from the start to the first window of 5 ms that is louder than `threshold`; undefined if none is. */
export function onsetMs(samples: Int16Array, threshold = 0.02, sampleRateHz = 48_000): number | undefined {
  const window = Math.round(sampleRateHz / 200);
  for (let start = 0; start + window <= samples.length; start += window)
    if (level(samples.subarray(start, start + window)) > threshold) return (start * 1000) / sampleRateHz;
  return undefined;
}

/** Milliseconds, in windows of 5 ms, in which the sound is louder than `threshold`. */
export function audibleMs(samples: Int16Array, threshold = 0.02, sampleRateHz = 48_000): number {
  const window = Math.round(sampleRateHz / 200);
  let count = 0;
  for (let start = 0; start + window <= samples.length; start += window)
    if (level(samples.subarray(start, start + window)) > threshold) count += 1;
  return count * 5;
}
