// The two headers of FLAC: of the file (STREAMINFO), and of each frame, with its checksum.

import { checkSound, unsupported } from "./decode-error.js";
import { u32be } from "./little-endian.js";

export interface FlacInfo {
  readonly blockMax: number;
  readonly sampleRateHz: number;
  readonly channels: number;
  readonly bits: number;
  /** 0: unknown. */
  readonly totalSamples: number;
}

export const STREAMINFO_BYTES = 34;
/** Samples of all channels in one frame: what one step decodes within a few milliseconds. Encoders use 4096 each. */
const FRAME_SAMPLES_MAX = 131_072;
const BITS_MAX = 24;
const BITS_MIN = 4;

export function parseStreamInfo(block: Uint8Array): FlacInfo {
  const blockMax = u32be(block, 0) & 0xffff;
  const packed = u32be(block, 10);
  const sampleRateHz = packed >>> 12;
  const channels = ((packed >>> 9) & 7) + 1;
  const bits = ((packed >>> 4) & 31) + 1;
  const totalSamples = ((block[13] ?? 0) & 15) * 4_294_967_296 + u32be(block, 14);
  checkSound("FLAC", sampleRateHz, channels);
  if (bits > BITS_MAX || bits < BITS_MIN) throw unsupported(`unsupported FLAC with ${bits} bits per sample`);
  if (blockMax * channels > FRAME_SAMPLES_MAX) throw unsupported(`unsupported FLAC with blocks of ${blockMax} samples`);
  return { blockMax, sampleRateHz, channels, bits, totalSamples };
}

export interface FlacFrameHeader {
  readonly blockSize: number;
  /** 0 to 7: so many channels and one more; 8, 9, 10: stereo with a difference. */
  readonly assignment: number;
  readonly headerBytes: number;
}

/** Sync, codes, a number of up to 7 bytes, block size and rate of 2 each, checksum. */
export const FRAME_HEADER_MAX_BYTES = 16;

const SIZE_CODES = [0, 8, 12, -1, 16, 20, 24, 32];
const RATE_CODES = [0, 88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000];

/** Undefined unless a frame of this very file begins at `at`. */
export function parseFrameHeader(bytes: Uint8Array, at: number, info: FlacInfo): FlacFrameHeader | undefined {
  if (bytes[at] !== 0xff || ((bytes[at + 1] ?? 0) & 0xfe) !== 0xf8) return undefined;
  const codes = bytes[at + 2] ?? 0;
  const layout = bytes[at + 3] ?? 0;
  const assignment = layout >> 4;
  const sizeCode = (layout >> 1) & 7;
  const channels = assignment < 8 ? assignment + 1 : 2;
  if (assignment > 10 || channels !== info.channels || (layout & 1) !== 0) return undefined;
  if (sizeCode !== 0 && SIZE_CODES[sizeCode] !== info.bits) return undefined;
  const numberBytes = codedNumberBytes(bytes[at + 4] ?? 0);
  if (numberBytes === 0) return undefined;
  let next = at + 4 + numberBytes;
  const block = codes >> 4;
  const blockSize = blockSizeOf(block, bytes, next);
  next += block === 6 ? 1 : block === 7 ? 2 : 0;
  const rate = codes & 15;
  if (rateOf(rate, bytes, next, info) !== info.sampleRateHz) return undefined;
  next += rate === 12 ? 1 : rate >= 13 ? 2 : 0;
  if (next >= bytes.length || crc8(bytes, at, next) !== bytes[next]) return undefined;
  if (blockSize === 0 || blockSize * channels > FRAME_SAMPLES_MAX) return undefined;
  return { blockSize, assignment, headerBytes: next + 1 - at };
}

/** As in UTF-8, but up to 36 bits. 0 for a byte that cannot be the first. */
function codedNumberBytes(first: number): number {
  const ones = Math.clz32(~(first << 24));
  return ones === 0 ? 1 : ones === 1 || ones === 8 ? 0 : ones;
}

function blockSizeOf(code: number, bytes: Uint8Array, at: number): number {
  if (code === 0) return 0;
  if (code === 1) return 192;
  if (code <= 5) return 576 << (code - 2);
  if (code === 6) return (bytes[at] ?? 0) + 1;
  if (code === 7) return (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)) + 1;
  return 256 << (code - 8);
}

function rateOf(code: number, bytes: Uint8Array, at: number, info: FlacInfo): number {
  const word = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  if (code === 0) return info.sampleRateHz;
  if (code === 12) return (bytes[at] ?? 0) * 1_000;
  if (code === 13) return word;
  if (code === 14) return word * 10;
  return RATE_CODES[code] ?? -1;
}

const tableOf = (polynomial: number, topBit: number, mask: number) =>
  Uint16Array.from({ length: 256 }, (_, index) => {
    let value = topBit === 0x80 ? index : index << 8;
    for (let bit = 0; bit < 8; bit += 1) value = ((value << 1) ^ ((value & topBit) === 0 ? 0 : polynomial)) & mask;
    return value;
  });

const CRC8 = tableOf(0x07, 0x80, 0xff);
const CRC16 = tableOf(0x8005, 0x8000, 0xffff);

export function crc8(bytes: Uint8Array, from: number, to: number): number {
  let crc = 0;
  for (let at = from; at < to; at += 1) crc = CRC8[crc ^ (bytes[at] ?? 0)] ?? 0;
  return crc;
}

export function crc16(bytes: Uint8Array, from: number, to: number): number {
  let crc = 0;
  for (let at = from; at < to; at += 1) crc = ((crc << 8) & 0xffff) ^ (CRC16[(crc >> 8) ^ (bytes[at] ?? 0)] ?? 0);
  return crc;
}
