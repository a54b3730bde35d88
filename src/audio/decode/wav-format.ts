// The `fmt ` chunk of a WAV file: what the samples are, or why they are not played.

import { checkSound, damaged, unsupported } from "./decode-error.js";
import { hasText, u16, u32 } from "./little-endian.js";
import type { Layout } from "./pcm16.js";
import { waveLayouts } from "./pcm16.js";

export type WavEncoding = "int" | "float" | "a-law" | "mu-law";

export interface WavFormat {
  readonly encoding: WavEncoding;
  readonly sampleRateHz: number;
  readonly channels: number;
  readonly bytesPerSample: number;
  readonly layout: Layout;
}

/** No encoding that is played needs more; what follows could be anything, of any declared size. */
export const FMT_MAX_BYTES = 64;
const FMT_MIN_BYTES = 16;
const EXTENSIBLE_BYTES = 40;
const EXTENSIBLE = 0xfffe;
/** What all sub-formats share after the two bytes that hold the encoding. */
const SUBFORMAT_TAIL = "\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71";

const encodings: Readonly<Record<number, WavEncoding>> = { 1: "int", 3: "float", 6: "a-law", 7: "mu-law" };
const foreign: Readonly<Record<number, string>> = {
  0x0002: "ADPCM",
  0x0011: "IMA ADPCM",
  0x0031: "GSM 6.10",
  0x0040: "G.721 ADPCM",
  0x0050: "MPEG layer II",
  0x0055: "MP3",
  0x00ff: "AAC",
  0x0161: "Windows Media",
  0x2000: "AC-3",
};

/** Bits of the channel mask, in the order in which the channels stand in the file. */
const speakers = ["L", "R", "C", "F", "l", "r", "L", "R", "c", "l", "r", ...Array<string>(7).fill("x")];

export function parseWavFormat(chunk: Uint8Array): WavFormat {
  if (chunk.length < FMT_MIN_BYTES) throw damaged(`WAV fmt chunk of only ${chunk.length} bytes`);
  const tag = u16(chunk, 0);
  const isExtensible = tag === EXTENSIBLE;
  const encoding = encodingOf(isExtensible ? subformatOf(chunk) : tag);
  const channels = u16(chunk, 2);
  const sampleRateHz = u32(chunk, 4);
  checkSound("WAV", sampleRateHz, channels);
  const bits = u16(chunk, 14);
  const bytesPerSample = Math.ceil(bits / 8);
  checkBits(encoding, bits);
  const blockAlign = u16(chunk, 12);
  if (blockAlign !== bytesPerSample * channels) {
    throw damaged(`WAV block align of ${blockAlign} bytes does not fit ${channels} × ${bits} bits`);
  }
  const layout = layoutOf(isExtensible ? u32(chunk, 20) : 0, channels);
  return { encoding, sampleRateHz, channels, bytesPerSample, layout };
}

function subformatOf(chunk: Uint8Array): number {
  if (chunk.length < EXTENSIBLE_BYTES) throw damaged(`extensible WAV fmt chunk of only ${chunk.length} bytes`);
  if (!hasText(chunk, 26, SUBFORMAT_TAIL)) throw unsupported("unsupported WAV encoding (unknown sub-format)");
  return u16(chunk, 24);
}

function encodingOf(tag: number): WavEncoding {
  const encoding = encodings[tag];
  if (encoding !== undefined) return encoding;
  const name = foreign[tag];
  const hex = `0x${tag.toString(16).padStart(4, "0")}`;
  throw unsupported(`unsupported WAV encoding ${hex}${name === undefined ? "" : ` (${name})`}`);
}

function checkBits(encoding: WavEncoding, bits: number): void {
  const isPlayed =
    encoding === "int" ? bits >= 8 && bits <= 32 : encoding === "float" ? bits === 32 || bits === 64 : bits === 8;
  if (!isPlayed) throw unsupported(`unsupported WAV encoding: ${bits}-bit ${encoding}`);
}

function layoutOf(mask: number, channels: number): Layout {
  const named = speakers.filter((_, bit) => (mask & (1 << bit)) !== 0).join("");
  return named.length === channels ? named : (waveLayouts[channels] ?? "");
}
