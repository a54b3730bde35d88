// Breaks good files in ways that follow a seed: the same seed always breaks the same file in the same way.

import { oggChecksum } from "../../../src/audio/decode/ogg-page.js";
import { crc16, crc8 } from "../../../src/audio/decode/flac-header.js";
import { apeTag, fixture, id3v2, joined, le32, toneFiles, wavFile } from "./fixtures.js";

export const mutatedFormats = ["mp3", "wav", "opus", "vorbis", "flac"] as const;
export type MutatedFormat = (typeof mutatedFormats)[number];

/** 0 up to, not including, `below`. */
export type Dice = (below: number) => number;

/** Mulberry32: small, and good enough to choose bytes. */
export function diceOf(seed: number): Dice {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

const wavs = () =>
  [
    {},
    { channels: 2, bits: 24 },
    { tag: 3, bits: 32, mask: 3, channels: 2 },
    { tag: 3, bits: 64 },
    { tag: 6, bits: 8 },
    { bits: 8, channels: 6, mask: 0x3f },
    { id: "RF64" as const, before: joined(new TextEncoder().encode("ds64"), le32(28), new Uint8Array(28)) },
  ].map((spec) => wavFile({ frames: 4_000, rateHz: 16_000, ...spec }));

const others: Readonly<Record<string, readonly string[]>> = {
  mp3: ["high-48000-1.mp3"],
  opus: ["high-48000-1.opus"],
  vorbis: ["high-48000-1.ogg"],
  flac: ["noise-16000-2.flac", "high-48000-1.flac"],
};

export function goodFilesOf(format: MutatedFormat): readonly Uint8Array[] {
  if (format === "wav") return wavs();
  const names = toneFiles.filter(({ codec }) => codec === format).map(({ name }) => name);
  return [...names, ...(others[format] ?? [])].map(fixture);
}

export function mutantOf(files: readonly Uint8Array[], format: MutatedFormat, seed: number): Uint8Array {
  const dice = diceOf(seed);
  let bytes: Uint8Array = (files[dice(files.length)] ?? new Uint8Array(0)).slice();
  const isOgg = format === "opus" || format === "vorbis";
  // Most of a short file is headers; a second copy behind them is more to decode.
  if (isOgg && dice(2) === 0) bytes = joined(bytes, bytes);
  for (let count = 1 + dice(4); count > 0; count -= 1) {
    const mutate = mutations[dice(mutations.length)] ?? flipBits;
    bytes = mutate(bytes, dice, files);
  }
  // Without this, checksums would keep nearly everything from the decoders, which are what is to be tried.
  if (isOgg && dice(4) > 0) resealOgg(bytes);
  if (dice(4) > 0 && format === "flac") resealFlac(bytes);
  return bytes;
}

type Mutation = (bytes: Uint8Array, dice: Dice, files: readonly Uint8Array[]) => Uint8Array;

const flipBits: Mutation = (bytes, dice) => {
  for (let count = 1 + dice(dice(2) === 0 ? 4 : 200); count > 0; count -= 1) flipAt(bytes, dice(bytes.length), dice);
  return bytes;
};

const fuzzHeader: Mutation = (bytes, dice) => {
  const reach = Math.min(bytes.length, [16, 64, 200, 5_000][dice(4)] ?? 64);
  for (let count = 1 + dice(6); count > 0; count -= 1) {
    const at = dice(reach);
    bytes[at] = [0, 0xff, 0x7f, 0x80, 1, dice(256)][dice(6)] ?? 0;
  }
  return bytes;
};

const truncate: Mutation = (bytes, dice) => bytes.slice(0, dice(bytes.length + 1));

const removePart: Mutation = (bytes, dice) => {
  const [from, length] = partOf(bytes, dice);
  return joined(bytes.subarray(0, from), bytes.subarray(from + length));
};

const repeatPart: Mutation = (bytes, dice) => {
  const [from, length] = partOf(bytes, dice);
  return joined(bytes.subarray(0, from + length), bytes.subarray(from));
};

const overwritePart: Mutation = (bytes, dice) => {
  const [from, length] = partOf(bytes, dice);
  const fill = [0, 0xff, -1][dice(3)] ?? 0;
  for (let at = from; at < from + length; at += 1) bytes[at] = fill < 0 ? dice(256) : fill;
  return bytes;
};

const splice: Mutation = (bytes, dice, files) => {
  const other = files[dice(files.length)] ?? bytes;
  const [from, length] = partOf(other, dice);
  const at = dice(bytes.length + 1);
  return joined(bytes.subarray(0, at), other.subarray(from, from + length), bytes.subarray(at + dice(2) * length));
};

const append: Mutation = (bytes, dice, files) => joined(bytes, files[dice(files.length)] ?? bytes);

const addTag: Mutation = (bytes, dice) => {
  const at = dice(3) === 0 ? dice(bytes.length + 1) : 0;
  const tag = dice(2) === 0 ? id3v2(dice(3_000)) : apeTag(dice(3_000));
  return joined(bytes.subarray(0, at), tag, bytes.subarray(at));
};

const mutations = [
  flipBits,
  flipBits,
  fuzzHeader,
  fuzzHeader,
  truncate,
  removePart,
  repeatPart,
  overwritePart,
  splice,
  append,
  addTag,
];

function partOf(bytes: Uint8Array, dice: Dice): readonly [from: number, length: number] {
  const from = dice(bytes.length);
  return [from, Math.min(bytes.length - from, 1 + dice([8, 300, 5_000][dice(3)] ?? 8))];
}

function flipAt(bytes: Uint8Array, at: number, dice: Dice): void {
  bytes[at] = (bytes[at] ?? 0) ^ (1 << dice(8));
}

/** Gives every page that can still be found the checksum of its bytes. */
function resealOgg(bytes: Uint8Array): void {
  for (let at = indexOfPage(bytes, 0); at >= 0; at = indexOfPage(bytes, at + 4)) {
    const segments = bytes[at + 26] ?? 0;
    const body = bytes.subarray(at + 27, at + 27 + segments).reduce((total, length) => total + length, 0);
    const page = bytes.subarray(at, at + 27 + segments + body);
    if (page.length === 27 + segments + body) page.set(le32(oggChecksum(page)), 22);
  }
}

function indexOfPage(bytes: Uint8Array, from: number): number {
  for (let at = from; at + 27 < bytes.length; at += 1) {
    if (bytes[at] === 0x4f && bytes[at + 1] === 0x67 && bytes[at + 2] === 0x67 && bytes[at + 3] === 0x53) return at;
  }
  return -1;
}

/** From each frame's sync to the next, where the header is short enough to tell where its checksum stands. */
function resealFlac(bytes: Uint8Array): void {
  const isSync = (at: number) => bytes[at] === 0xff && ((bytes[at + 1] ?? 0) & 0xfe) === 0xf8;
  let at = 42;
  while (at < bytes.length && !isSync(at)) at += 1;
  while (at + 16 < bytes.length) {
    let end = at + 9;
    while (end < bytes.length && !isSync(end)) end += 1;
    const extra = [0, 0, 0, 0, 0, 0, 1, 2][(bytes[at + 2] ?? 0) >> 4] ?? 0;
    const crcAt = at + 5 + extra;
    bytes[crcAt] = crc8(bytes, at, crcAt);
    const sum = crc16(bytes, at, end - 2);
    bytes.set([sum >> 8, sum & 255], end - 2);
    at = end;
  }
}
