// A packet's sequence number, written into the lowest bit of its first 32 samples: nobody hears it, and whoever receives
// the audio can tell which packet it is. That is how the demo knows loss, order and latency without a header.

const MARK_BITS = 32;

/** Overwrites the lowest bits of `samples`, PCM16 little-endian. */
export function writeSequence(samples: Uint8Array, sequence: number): void {
  for (let bit = 0; bit < MARK_BITS; bit += 1) {
    const lowByte = samples[bit * 2] ?? 0;
    samples[bit * 2] = (lowByte & 0xfe) | ((sequence >>> bit) & 1);
  }
}

/** Undefined when there are too few samples to hold a number. */
export function readSequence(samples: Uint8Array): number | undefined {
  if (samples.length < MARK_BITS * 2) return undefined;
  let sequence = 0;
  for (let bit = 0; bit < MARK_BITS; bit += 1) sequence |= ((samples[bit * 2] ?? 0) & 1) << bit;
  return sequence >>> 0;
}
