// The four bytes at the head of an MPEG audio frame, and what an encoder says about the whole file in the first one.

import { hasText, textAt, u32be } from "./little-endian.js";

export interface Mp3Header {
  readonly sampleRateHz: number;
  readonly channels: 1 | 2;
  readonly frameBytes: number;
  readonly samplesPerFrame: number;
  readonly isMpeg1: boolean;
}

export const HEADER_BYTES = 4;
/** Of layer III: 320 kbit/s at 32 kHz, and 160 kbit/s at 8 kHz, with padding. */
export const FRAME_MAX_BYTES = 1_441;

const BITRATES_MPEG1 = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const BITRATES_MPEG2 = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
const RATES_MPEG1_HZ = [44_100, 48_000, 32_000];

export type Mp3HeaderFault = "layer-1" | "layer-2" | "free-format" | "none";

/** Undefined where no frame of layer III begins. */
export function parseMp3Header(bytes: Uint8Array, at: number): Mp3Header | undefined {
  if (bytes[at] !== 0xff || headerFault(bytes, at) !== undefined) return undefined;
  const [, second = 0, third = 0, fourth = 0] = bytes.subarray(at, at + HEADER_BYTES);
  const version = (second >> 3) & 3;
  const isMpeg1 = version === 3;
  const rateHz = RATES_MPEG1_HZ[(third >> 2) & 3] ?? 0;
  const sampleRateHz = isMpeg1 ? rateHz : version === 2 ? rateHz / 2 : rateHz / 4;
  const bitrate = ((isMpeg1 ? BITRATES_MPEG1 : BITRATES_MPEG2)[third >> 4] ?? 0) * 1_000;
  const padding = (third >> 1) & 1;
  return {
    sampleRateHz,
    channels: fourth >> 6 === 3 ? 1 : 2,
    frameBytes: Math.floor(((isMpeg1 ? 144 : 72) * bitrate) / sampleRateHz) + padding,
    samplesPerFrame: isMpeg1 ? 1_152 : 576,
    isMpeg1,
  };
}

/** Why the bytes are no header of ours; undefined if they are one. Reserved values are no header at all. */
export function headerFault(bytes: Uint8Array, at: number): Mp3HeaderFault | undefined {
  const word = u32be(bytes, at);
  const version = (word >>> 19) & 3;
  const layer = (word >>> 17) & 3;
  const bitrate = (word >>> 12) & 15;
  const hasReserved = version === 1 || layer === 0 || bitrate === 15 || ((word >>> 10) & 3) === 3 || (word & 3) === 2;
  if (word >>> 21 !== 0x7ff || hasReserved || at + HEADER_BYTES > bytes.length) return "none";
  if (layer !== 1) return layer === 2 ? "layer-2" : "layer-1";
  return bitrate === 0 ? "free-format" : undefined;
}

/** Frames of one stream agree in what a decoder cannot change on its way. */
export const isSameStream = (a: Mp3Header, b: Mp3Header) =>
  a.sampleRateHz === b.sampleRateHz && a.isMpeg1 === b.isMpeg1;

/** What the first frame says instead of sound. */
export interface Mp3Info {
  readonly frames: number | undefined;
  /** Silence that the encoder put before and behind the sound, in samples. */
  readonly delay: number;
  readonly padding: number;
}

/** Reads the frame of Xing, LAME and Lavc, or that of VBRI; undefined for a frame with sound. */
export function parseMp3Info(frame: Uint8Array, header: Mp3Header): Mp3Info | undefined {
  const at = HEADER_BYTES + sideInfoBytes(header);
  if (hasText(frame, at, "Xing") || hasText(frame, at, "Info")) return parseXing(frame, at);
  if (hasText(frame, HEADER_BYTES + 32, "VBRI")) {
    return { frames: u32be(frame, HEADER_BYTES + 32 + 14), delay: 0, padding: 0 };
  }
  return undefined;
}

const sideInfoBytes = ({ isMpeg1, channels }: Mp3Header) =>
  isMpeg1 ? (channels === 1 ? 17 : 32) : channels === 1 ? 9 : 17;

function parseXing(frame: Uint8Array, at: number): Mp3Info {
  const flags = u32be(frame, at + 4);
  let next = at + 8;
  const frames = (flags & 1) !== 0 ? u32be(frame, next) : undefined;
  for (const [bit, length] of [
    [1, 4],
    [2, 4],
    [4, 100],
    [8, 4],
  ] as const)
    if ((flags & bit) !== 0) next += length;
  const isKnown = /^(LAME|Lavf|Lavc|GOGO)/.test(textAt(frame, next, 4));
  const edges = isKnown ? u32be(frame, next + 20) & 0xff_ffff : 0;
  return { frames, delay: edges >>> 12, padding: edges & 0xfff };
}
