// From what decoders give (one array per channel, floats) to interleaved PCM16 in one or two channels.

const FULL_SCALE = 32_768;

/**
 * Where each channel of a file sounds: L and R in front, C in the middle, l and r beside or behind, c behind in the
 * middle, F the low effects, which are left out as in every downmix, and x for whatever else there is.
 */
export type Layout = string;

/** The order of WAV and FLAC. */
export const waveLayouts: readonly Layout[] = ["", "M", "LR", "LRC", "LRlr", "LRClr", "LRCFlr", "LRCFclr", "LRCFlrlr"];
/** The order of Vorbis and Opus. */
export const vorbisLayouts: readonly Layout[] = [
  "",
  "M",
  "LR",
  "LCR",
  "LRlr",
  "LCRlr",
  "LCRlrF",
  "LCRlrcF",
  "LCRlrlrF",
];

const weights: Readonly<Record<string, readonly [left: number, right: number]>> = {
  L: [1, 0],
  R: [0, 1],
  C: [Math.SQRT1_2, Math.SQRT1_2],
  l: [Math.SQRT1_2, 0],
  r: [0, Math.SQRT1_2],
  c: [0.5, 0.5],
  x: [0.5, 0.5],
};

export const outputChannels = (channels: number): 1 | 2 => (channels === 1 ? 1 : 2);

/** One weight per channel for the left, and one for the right; each sums up to 1 at most, so that nothing clips. */
export interface Downmix {
  readonly left: Float64Array;
  readonly right: Float64Array;
}

/** Undefined for mono and stereo, which pass as they are. */
export function downmixOf(channels: number, layout: Layout): Downmix | undefined {
  if (channels <= 2) return undefined;
  const left = new Float64Array(channels);
  const right = new Float64Array(channels);
  for (let channel = 0; channel < channels; channel += 1) {
    const [toLeft, toRight] = weights[layout[channel] ?? "x"] ?? [0, 0];
    left[channel] = toLeft;
    right[channel] = toRight;
  }
  const total = Math.max(sum(left), sum(right)) || 1;
  return { left: left.map((weight) => weight / total), right: right.map((weight) => weight / total) };
}

const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);

/** Interleaves `frames` frames from `from` on. `gain` is what turns a sample of the planes into one of −1 to 1. */
export function interleave(
  planes: readonly ArrayLike<number>[],
  mix: Downmix | undefined,
  range: { readonly from: number; readonly to: number; readonly gain?: number },
): Int16Array {
  const scale = FULL_SCALE * (range.gain ?? 1);
  const frames = Math.max(0, range.to - range.from);
  const [first = []] = planes;
  if (planes.length === 1) {
    const out = new Int16Array(frames);
    for (let frame = 0; frame < frames; frame += 1) out[frame] = toPcm16((first[range.from + frame] ?? 0) * scale);
    return out;
  }
  const out = new Int16Array(frames * 2);
  if (mix !== undefined) {
    addPlanes(out, planes, mix, { from: range.from, frames, scale });
    return out;
  }
  const second = planes[1] ?? first;
  for (let frame = 0; frame < frames; frame += 1) {
    out[frame * 2] = toPcm16((first[range.from + frame] ?? 0) * scale);
    out[frame * 2 + 1] = toPcm16((second[range.from + frame] ?? 0) * scale);
  }
  return out;
}

function addPlanes(
  out: Int16Array,
  planes: readonly ArrayLike<number>[],
  mix: Downmix,
  { from, frames, scale }: { readonly from: number; readonly frames: number; readonly scale: number },
): void {
  for (let frame = 0; frame < frames; frame += 1) {
    let left = 0;
    let right = 0;
    for (let channel = 0; channel < planes.length; channel += 1) {
      const sample = planes[channel]?.[from + frame] ?? 0;
      left += sample * (mix.left[channel] ?? 0);
      right += sample * (mix.right[channel] ?? 0);
    }
    out[frame * 2] = toPcm16(left * scale);
    out[frame * 2 + 1] = toPcm16(right * scale);
  }
}

/** Rounds and clamps; what is not a number becomes silence. */
export function toPcm16(value: number): number {
  if (value >= 32_767) return value === Infinity ? 0 : 32_767;
  if (value <= -32_768) return value === -Infinity ? 0 : -32_768;
  return Math.round(value) || 0;
}
