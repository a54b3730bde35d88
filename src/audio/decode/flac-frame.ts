// One FLAC frame (RFC 9639): prediction plus remainder for each channel, then the channels put together again.

import { BitReader } from "./bit-reader.js";
import type { FlacFrameHeader, FlacInfo } from "./flac-header.js";
import { crc16 } from "./flac-header.js";

export interface FlacFrame {
  readonly planes: Int32Array[];
  readonly bytes: number;
}

const LEFT_SIDE = 8;
const SIDE_RIGHT = 9;
const MID_SIDE = 10;

/** What stands in front of a frame can be at most so long; with this many bytes at hand a whole frame is. */
export function frameMaxBytes({ blockSize, headerBytes }: FlacFrameHeader, { bits, channels }: FlacInfo): number {
  // A channel is never written longer than its samples, and one of two may be a difference, with one bit more.
  const perChannel = Math.ceil((blockSize * (bits + 1)) / 8) + 8;
  return headerBytes + perChannel * channels + 2;
}

/** Undefined when the frame is damaged, or is not whole. `bytes` begins with it. */
export function decodeFrame(bytes: Uint8Array, header: FlacFrameHeader, info: FlacInfo): FlacFrame | undefined {
  const { assignment, blockSize, headerBytes } = header;
  const bits = new BitReader(bytes, headerBytes);
  const planes: Int32Array[] = [];
  for (let channel = 0; channel < info.channels; channel += 1) {
    const isDifference = assignment === SIDE_RIGHT ? channel === 0 : assignment >= LEFT_SIDE && channel === 1;
    const plane = new Int32Array(blockSize);
    if (!decodeChannel(bits, plane, info.bits + (isDifference ? 1 : 0)) || bits.isOver) return undefined;
    planes.push(plane);
  }
  const end = bits.byte;
  if (end + 2 > bytes.length) return undefined;
  const checksum = ((bytes[end] ?? 0) << 8) | (bytes[end + 1] ?? 0);
  if (crc16(bytes, 0, end) !== checksum) return undefined;
  joinChannels(planes, assignment);
  return { planes, bytes: end + 2 };
}

function decodeChannel(bits: BitReader, out: Int32Array, width: number): boolean {
  if (bits.unsigned(1) !== 0) return false;
  const type = bits.unsigned(6);
  const wasted = bits.unsigned(1) === 1 ? bits.unary() + 1 : 0;
  const actual = width - wasted;
  if (actual <= 0) return false;
  let isSound = true;
  if (type === 0) out.fill(bits.signed(actual));
  else if (type === 1) for (let at = 0; at < out.length && !bits.isOver; at += 1) out[at] = bits.signed(actual);
  else if (type >= 8 && type <= 12) isSound = decodeFixed(bits, out, type - 8, actual);
  else if (type >= 32) isSound = decodeLinear(bits, out, type - 31, actual);
  else return false;
  if (wasted > 0) for (let at = 0; at < out.length; at += 1) out[at] = (out[at] ?? 0) << wasted;
  return isSound;
}

const FIXED = [[], [1], [2, -1], [3, -3, 1], [4, -6, 4, -1]];

function decodeFixed(bits: BitReader, out: Int32Array, order: number, width: number): boolean {
  if (order > out.length) return false;
  for (let at = 0; at < order; at += 1) out[at] = bits.signed(width);
  if (!decodeRemainder(bits, out, order)) return false;
  predict(out, Float64Array.from(FIXED[order] ?? []), 0);
  return true;
}

function decodeLinear(bits: BitReader, out: Int32Array, order: number, width: number): boolean {
  if (order > out.length) return false;
  for (let at = 0; at < order; at += 1) out[at] = bits.signed(width);
  const precision = bits.unsigned(4) + 1;
  const shift = bits.signed(5);
  if (precision === 16 || shift < 0) return false;
  const coefficients = new Float64Array(order);
  for (let at = 0; at < order; at += 1) coefficients[at] = bits.signed(precision);
  if (!decodeRemainder(bits, out, order)) return false;
  predict(out, coefficients, shift);
  return true;
}

/** In doubles: the sum of 32 products of 25 and 15 bits does not fit into 32 bits, and is exact in 53. */
function predict(out: Int32Array, coefficients: Float64Array, shift: number): void {
  const order = coefficients.length;
  const scale = 2 ** -shift;
  for (let at = order; at < out.length; at += 1) {
    let sum = 0;
    for (let i = 0; i < order; i += 1) sum += (coefficients[i] ?? 0) * (out[at - 1 - i] ?? 0);
    out[at] = (out[at] ?? 0) + Math.floor(sum * scale);
  }
}

function decodeRemainder(bits: BitReader, out: Int32Array, order: number): boolean {
  const method = bits.unsigned(2);
  if (method > 1) return false;
  const parameterBits = method === 0 ? 4 : 5;
  const escape = method === 0 ? 15 : 31;
  const partitions = 1 << bits.unsigned(4);
  const partitionSize = out.length / partitions;
  if (!Number.isInteger(partitionSize) || partitionSize < order) return false;
  for (let partition = 0; partition < partitions && !bits.isOver; partition += 1) {
    const from = partition === 0 ? order : partition * partitionSize;
    const to = (partition + 1) * partitionSize;
    const parameter = bits.unsigned(parameterBits);
    if (parameter === escape) {
      const width = bits.unsigned(5);
      for (let at = from; at < to && !bits.isOver; at += 1) out[at] = bits.signed(width);
    } else {
      bits.rice(out, from, to, parameter);
    }
  }
  return !bits.isOver;
}

function joinChannels(planes: readonly Int32Array[], assignment: number): void {
  const [first, second] = planes;
  if (assignment < LEFT_SIDE || first === undefined || second === undefined) return;
  for (let at = 0; at < first.length; at += 1) {
    const a = first[at] ?? 0;
    const b = second[at] ?? 0;
    if (assignment === LEFT_SIDE) second[at] = a - b;
    else if (assignment === SIDE_RIGHT) first[at] = a + b;
    else if (assignment === MID_SIDE) {
      // The lowest bit of the sum was dropped; it is that of the difference.
      const middle = (a << 1) | (b & 1);
      first[at] = (middle + b) >> 1;
      second[at] = (middle - b) >> 1;
    }
  }
}
