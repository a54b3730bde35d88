// Bytes of WAV samples to one array of −1 … 1 per channel.

import type { WavFormat } from "./wav-format.js";

type ReadSample = (view: DataView, at: number) => number;

/** Splits whole frames by channel. The bytes may be anything; floats that are not finite are left to the caller. */
export function splitFrames(bytes: Uint8Array, format: WavFormat): Float64Array[] {
  const { channels, bytesPerSample } = format;
  const read = readerOf(format);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blockAlign = channels * bytesPerSample;
  const frames = Math.floor(bytes.length / blockAlign);
  return Array.from({ length: channels }, (_, channel) => {
    const plane = new Float64Array(frames);
    let at = channel * bytesPerSample;
    for (let frame = 0; frame < frames; frame += 1) {
      plane[frame] = read(view, at);
      at += blockAlign;
    }
    return plane;
  });
}

function readerOf({ encoding, bytesPerSample }: WavFormat): ReadSample {
  if (encoding === "a-law") return (view, at) => (A_LAW[view.getUint8(at)] ?? 0) / 32_768;
  if (encoding === "mu-law") return (view, at) => (MU_LAW[view.getUint8(at)] ?? 0) / 32_768;
  if (encoding === "float") {
    return bytesPerSample === 8 ? (view, at) => view.getFloat64(at, true) : (view, at) => view.getFloat32(at, true);
  }
  switch (bytesPerSample) {
    // Only 8-bit samples have their zero in the middle of the range.
    case 1:
      return (view, at) => (view.getUint8(at) - 128) / 128;
    case 2:
      return (view, at) => view.getInt16(at, true) / 32_768;
    case 3:
      return (view, at) => (view.getInt8(at + 2) * 65_536 + view.getUint16(at, true)) / 8_388_608;
    default:
      return (view, at) => view.getInt32(at, true) / 2_147_483_648;
  }
}

// G.711, both laws: a sign, three bits of exponent and four of mantissa.

const A_LAW = Int16Array.from({ length: 256 }, (_, code) => {
  const bits = code ^ 0x55;
  const exponent = (bits >> 4) & 7;
  const mantissa = ((bits & 15) << 4) + 8;
  const magnitude = exponent === 0 ? mantissa : (mantissa + 256) << (exponent - 1);
  return (bits & 0x80) === 0 ? -magnitude : magnitude;
});

const MU_LAW = Int16Array.from({ length: 256 }, (_, code) => {
  const bits = ~code & 0xff;
  const exponent = (bits >> 4) & 7;
  const magnitude = ((((bits & 15) << 3) + 132) << exponent) - 132;
  return (bits & 0x80) === 0 ? magnitude : -magnitude;
});
