// Good files for the decoders: WAV files of every kind made here, the others read from fixtures/ (see make.sh there).

import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("fixtures", import.meta.url));

export interface ToneFile {
  readonly name: string;
  readonly codec: string;
  /** Of the encoder's input; Opus always comes out at 48 kHz. */
  readonly rateHz: number;
  readonly channels: number;
  readonly milliseconds: number;
}

/** All tone files: 1000 Hz on the left (or the only channel), 1500 Hz on the right, peak 0.5. */
export const toneFiles: readonly ToneFile[] = readdirSync(folder).flatMap((name) => {
  const [, codec = "", rate = "", channels = ""] = /^(mp3|opus|vorbis|flac)-(\d+)-(\d)-/.exec(name) ?? [];
  if (codec === "") return [];
  const milliseconds = codec === "flac" ? 100 : 400;
  return [{ name, codec, rateHz: Number(rate), channels: Number(channels), milliseconds }];
});

export const fixture = (name: string) => new Uint8Array(readFileSync(`${folder}/${name}`));

export const ascii = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export const le16 = (value: number) => Uint8Array.of(value & 255, (value >> 8) & 255);
export const le32 = (value: number) => joined(le16(value & 0xffff), le16(Math.floor(value / 65_536)));

export const chunk = (name: string, body: Uint8Array, size = body.length) =>
  joined(ascii(name), le32(size), body, new Uint8Array(body.length % 2));

export interface WavSpec {
  readonly tag?: number;
  readonly bits?: number;
  readonly rateHz?: number;
  readonly channels?: number;
  /** −1 … 1, by channel and frame. */
  readonly sample?: (channel: number, frame: number) => number;
  readonly frames?: number;
  /** Instead of the right ones. */
  readonly dataSize?: number;
  readonly blockAlign?: number;
  /** Chunks between `fmt ` and `data`, and before `fmt `. */
  readonly between?: Uint8Array;
  readonly before?: Uint8Array;
  readonly behind?: Uint8Array;
  /** Writes WAVE_FORMAT_EXTENSIBLE with this mask. */
  readonly mask?: number;
  readonly id?: "RIFF" | "RF64" | "BW64" | "RIFX";
}

const EXTENSIBLE_TAIL = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];

export function fmtBody(spec: WavSpec): Uint8Array {
  const { tag = 1, bits = 16, rateHz = 48_000, channels = 1, mask } = spec;
  const blockAlign = spec.blockAlign ?? Math.ceil(bits / 8) * channels;
  const outer = mask === undefined ? tag : 0xfffe;
  const basic = joined(
    le16(outer),
    le16(channels),
    le32(rateHz),
    le32(rateHz * blockAlign),
    le16(blockAlign),
    le16(bits),
  );
  if (mask === undefined) return basic;
  return joined(basic, le16(22), le16(bits), le32(mask), le16(tag), Uint8Array.from(EXTENSIBLE_TAIL));
}

export function wavFile(spec: WavSpec = {}): Uint8Array {
  const { channels = 1, frames = 4_800, before, between, behind, id = "RIFF" } = spec;
  const data = samplesOf(spec, frames, channels);
  const body = joined(
    before ?? new Uint8Array(0),
    chunk("fmt ", fmtBody(spec)),
    between ?? new Uint8Array(0),
    chunk("data", data, spec.dataSize ?? data.length),
    behind ?? new Uint8Array(0),
  );
  return joined(ascii(id), le32(body.length + 4), ascii("WAVE"), body);
}

function samplesOf(spec: WavSpec, frames: number, channels: number): Uint8Array {
  const { tag = 1, bits = 16, sample = toneSample(spec.rateHz ?? 48_000) } = spec;
  const bytes = Math.ceil(bits / 8);
  const data = new Uint8Array(frames * channels * bytes);
  const view = new DataView(data.buffer);
  for (let frame = 0; frame < frames; frame += 1) {
    for (let channel = 0; channel < channels; channel += 1) {
      writeSample(view, (frame * channels + channel) * bytes, sample(channel, frame), tag, bytes);
    }
  }
  return data;
}

/** The same tones as in the files: even channels 1000 Hz, odd ones 1500 Hz, peak 0.5. */
export const toneSample = (rateHz: number) => (channel: number, frame: number) =>
  0.5 * Math.sin((2 * Math.PI * (channel % 2 === 0 ? 1_000 : 1_500) * frame) / rateHz);

function writeSample(view: DataView, at: number, value: number, tag: number, bytes: number): void {
  if (tag === 3) return bytes === 8 ? view.setFloat64(at, value, true) : view.setFloat32(at, value, true);
  if (tag === 6) return view.setUint8(at, encodeALaw(value));
  if (tag === 7) return view.setUint8(at, encodeMuLaw(value));
  const scaled = Math.max(
    -(2 ** (bytes * 8 - 1)),
    Math.min(2 ** (bytes * 8 - 1) - 1, Math.round(value * 2 ** (bytes * 8 - 1))),
  );
  if (bytes === 1) return view.setUint8(at, scaled + 128);
  for (let i = 0; i < bytes; i += 1) view.setUint8(at + i, Math.floor(scaled / 2 ** (8 * i)) & 255);
}

/** By the segments of G.711: the exponent is where the highest bit of the magnitude stands. */
function encodeALaw(value: number): number {
  const magnitude = Math.min(32_635, Math.abs(Math.round(value * 32_768)));
  const exponent = Math.max(0, 24 - Math.clz32(magnitude));
  const mantissa = exponent === 0 ? magnitude >> 4 : (magnitude >> (exponent + 3)) & 15;
  return ((value >= 0 ? 0x80 : 0) | (exponent << 4) | mantissa) ^ 0x55;
}

function encodeMuLaw(value: number): number {
  const magnitude = Math.min(32_635, Math.abs(Math.round(value * 32_768))) + 132;
  const exponent = Math.max(0, 24 - Math.clz32(magnitude));
  const mantissa = (magnitude >> (exponent + 3)) & 15;
  return ~((value >= 0 ? 0 : 0x80) | (exponent << 4) | mantissa) & 255;
}

/** An ID3v2 tag of `size` bytes of content. */
export const id3v2 = (size: number) =>
  joined(
    ascii("ID3\x04\0\0"),
    Uint8Array.of(size >> 21, (size >> 14) & 127, (size >> 7) & 127, size & 127),
    new Uint8Array(size),
  );

export function apeTag(size: number): Uint8Array {
  const head = (flags: number) =>
    joined(ascii("APETAGEX"), le32(2_000), le32(size + 32), le32(1), le32(flags), new Uint8Array(8));
  return joined(head(0xa000_0000), new Uint8Array(size), head(0x8000_0000));
}
