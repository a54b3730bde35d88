// WAV files in the encodings that are found in the wild, so that no test needs a program to make them.

export type WavEncoding = "u8" | "s16" | "s24" | "f32" | "alaw" | "ulaw";

export interface WavOptions {
  readonly encoding: WavEncoding;
  readonly sampleRateHz: number;
  /** Every channel gets the same samples. Default 1. */
  readonly channels?: number;
}

interface Encoder {
  readonly formatTag: number;
  readonly bytes: number;
  write(target: Buffer, sample: number, at: number): void;
}

const PCM = 1;
const FLOAT = 3;
const A_LAW = 6;
const MU_LAW = 7;

const encoders: Readonly<Record<WavEncoding, Encoder>> = {
  u8: { formatTag: PCM, bytes: 1, write: (target, sample, at) => target.writeUInt8((sample >> 8) + 128, at) },
  s16: { formatTag: PCM, bytes: 2, write: (target, sample, at) => target.writeInt16LE(sample, at) },
  s24: { formatTag: PCM, bytes: 3, write: (target, sample, at) => target.writeIntLE(sample * 256, at, 3) },
  f32: { formatTag: FLOAT, bytes: 4, write: (target, sample, at) => target.writeFloatLE(sample / 32_768, at) },
  alaw: { formatTag: A_LAW, bytes: 1, write: (target, sample, at) => target.writeUInt8(toALaw(sample), at) },
  ulaw: { formatTag: MU_LAW, bytes: 1, write: (target, sample, at) => target.writeUInt8(toMuLaw(sample), at) },
};

export function encodeWav(samples: Int16Array, { encoding, sampleRateHz, channels = 1 }: WavOptions): Buffer {
  const { formatTag, bytes, write } = encoders[encoding];
  const frameBytes = bytes * channels;
  const body = Buffer.alloc(samples.length * frameBytes);
  samples.forEach((sample, index) => {
    for (let channel = 0; channel < channels; channel += 1) write(body, sample, index * frameBytes + channel * bytes);
  });
  return Buffer.concat([headerOf({ formatTag, bytes, channels, sampleRateHz, dataBytes: body.length }), body]);
}

/** Of a stream that does not know how long it will be: PCM16, mono. */
export function wavHeaderOfEndless(sampleRateHz: number): Buffer {
  return headerOf({ formatTag: PCM, bytes: 2, channels: 1, sampleRateHz, dataBytes: 0xffff_ffff });
}

interface HeaderFields {
  readonly formatTag: number;
  /** Of one sample. */
  readonly bytes: number;
  readonly channels: number;
  readonly sampleRateHz: number;
  readonly dataBytes: number;
}

function headerOf({ formatTag, bytes, channels, sampleRateHz, dataBytes }: HeaderFields): Buffer {
  const frameBytes = bytes * channels;
  const header = Buffer.alloc(44);
  header.write("RIFF", 0);
  header.writeUInt32LE(Math.min(0xffff_ffff, 36 + dataBytes), 4);
  header.write("WAVEfmt ", 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(formatTag, 20);
  header.writeUInt16LE(channels, 22);
  header.writeUInt32LE(sampleRateHz, 24);
  header.writeUInt32LE(sampleRateHz * frameBytes, 28);
  header.writeUInt16LE(frameBytes, 32);
  header.writeUInt16LE(bytes * 8, 34);
  header.write("data", 36);
  header.writeUInt32LE(dataBytes, 40);
  return header;
}

/** ITU-T G.711: the position of the highest bit, four bits below it, the sign; every second bit flipped. */
function toALaw(sample: number): number {
  const magnitude = Math.min(4095, sample < 0 ? (-sample - 1) >> 3 : sample >> 3);
  const segment = Math.max(0, 31 - Math.clz32(magnitude | 1) - 4);
  const mantissa = (magnitude >> Math.max(1, segment)) & 15;
  return ((sample < 0 ? 0 : 0x80) | (segment << 4) | mantissa) ^ 0x55;
}

/** ITU-T G.711: the same with a bias, so that small steps go down to zero; every bit flipped. */
function toMuLaw(sample: number): number {
  const magnitude = Math.min(8191, (Math.abs(sample) >> 2) + 33);
  const segment = Math.max(0, 31 - Math.clz32(magnitude) - 5);
  const mantissa = (magnitude >> (segment + 1)) & 15;
  return ~((sample < 0 ? 0x80 : 0) | (segment << 4) | mantissa) & 0xff;
}
