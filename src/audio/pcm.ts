// PCM16 little-endian, interleaved: from bytes to samples and between channel counts.

/** The samples of an even number of bytes. A view where memory allows it, else a copy; the bytes must not change later. */
export function samplesOf(bytes: Uint8Array): Int16Array {
  const length = bytes.length >> 1;
  if (bytes.byteOffset % 2 === 0) return new Int16Array(bytes.buffer, bytes.byteOffset, length);
  // Not `slice`: that of a Buffer is a view, and its memory begins with what belongs to others.
  const copy = new Uint8Array(bytes.subarray(0, length * 2));
  return new Int16Array(copy.buffer, 0, length);
}

/** Any channel count to mono or stereo: mono is the mean of all, stereo keeps the first two. */
export function remix(samples: Int16Array, from: number, to: 1 | 2): Int16Array {
  if (from === to) return samples;
  const frames = Math.floor(samples.length / from);
  const out = new Int16Array(frames * to);
  for (let frame = 0; frame < frames; frame += 1) {
    const start = frame * from;
    if (to === 1) {
      let sum = 0;
      for (let channel = 0; channel < from; channel += 1) sum += samples[start + channel] ?? 0;
      out[frame] = Math.round(sum / from);
    } else {
      out[frame * 2] = samples[start] ?? 0;
      out[frame * 2 + 1] = samples[from === 1 ? start : start + 1] ?? 0;
    }
  }
  return out;
}

/** Volume, clamped to 16 bits. 1 leaves the samples as they are. */
export function amplify(samples: Int16Array, volume: number): Int16Array {
  if (volume === 1) return samples;
  return samples.map((sample) => Math.max(-32_768, Math.min(32_767, Math.round(sample * volume))));
}

/** Adds `from` onto `to`, clamped to 16 bits. */
export function mixInto(to: Int16Array, from: Int16Array, length: number): void {
  for (let i = 0; i < length; i += 1) {
    const sum = (to[i] ?? 0) + (from[i] ?? 0);
    to[i] = sum > 32767 ? 32767 : sum < -32768 ? -32768 : sum;
  }
}
