// Which format it is, by the bytes alone: names and content types lie.

import { hasText } from "./little-endian.js";

export type Container = "wav" | "ogg" | "flac" | "mp3";

/** So many bytes are looked at. */
export const SNIFF_BYTES = 64;

type Signature = readonly [at: number, text: string, looksLike: string];

/** What people send instead of audio, or audio that is not played. */
const refused: readonly Signature[] = [
  [0, "RIFX", "big-endian WAV (RIFX)"],
  [0, "riff.\x91\xcf\x11", "Wave64"],
  [0, "FORM", "AIFF"],
  [0, "caff", "Core Audio (CAF)"],
  [0, ".snd", "Sun audio (AU)"],
  [0, "#!AMR", "AMR"],
  [0, "MThd", "MIDI"],
  [0, "ADIF", "AAC"],
  [0, "MAC ", "Monkey's Audio"],
  [0, "wvpk", "WavPack"],
  [0, "TTA1", "True Audio"],
  [0, "DSD ", "DSD"],
  [0, "MPCK", "Musepack"],
  [4, "ftyp", "MP4 (AAC or ALAC)"],
  [0, "\x1aE\xdf\xa3", "WebM or Matroska"],
  [0, "0&\xb2u\x8ef\xcf\x11", "Windows Media"],
  [0, "FLV\x01", "Flash video"],
  [0, "#EXTM3U", "an M3U or HLS playlist"],
  [0, "[playlist]", "a PLS playlist"],
  [0, "%PDF", "PDF"],
  [0, "PK\x03\x04", "a ZIP archive"],
  [0, "\x1f\x8b", "gzip"],
  [0, "\x89PNG", "a PNG image"],
  [0, "\xff\xd8\xff", "a JPEG image"],
  [0, "GIF8", "a GIF image"],
  [0, "{", "JSON"],
];

/** Undefined where only a search for MP3 frames can tell. Throws nothing: a refusal is returned as text. */
export function sniff(head: Uint8Array): Container | { readonly looksLike: string } | undefined {
  if (hasText(head, 0, "fLaC")) return "flac";
  if (hasText(head, 0, "OggS")) return "ogg";
  if (isWave(head)) return "wav";
  if (hasText(head, 0, "RIFF")) return { looksLike: "a RIFF file that is not WAV" };
  const known = refused.find(([at, text]) => hasText(head, at, text));
  if (known !== undefined) return { looksLike: known[2] };
  // The layer bits of ADTS are those that MPEG audio leaves unused.
  if (head[0] === 0xff && ((head[1] ?? 0) & 0xf6) === 0xf0) return { looksLike: "AAC (ADTS)" };
  if (isTransportStream(head)) return { looksLike: "an MPEG transport stream" };
  return looksLikeText(head);
}

function isWave(head: Uint8Array): boolean {
  return ["RIFF", "RF64", "BW64"].some((name) => hasText(head, 0, name)) && hasText(head, 8, "WAVE");
}

/** The sync byte, a table's number (below 32), and no scrambling, as at the beginning of every such file. */
const isTransportStream = (head: Uint8Array) =>
  head[0] === 0x47 && ((head[1] ?? 0) & 0x9f) === 0 && ((head[3] ?? 0) & 0xc0) === 0;

function looksLikeText(head: Uint8Array): { readonly looksLike: string } | undefined {
  if (head.length === 0) return undefined;
  for (const byte of head) {
    const isPrintable = byte >= 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
    if (!isPrintable || byte === 0xff) return undefined;
  }
  const text = new TextDecoder().decode(head).trimStart().toLowerCase();
  if (/^<(!doctype html|html|head|body|!--)/.test(text)) return { looksLike: "HTML" };
  if (text.startsWith("<")) return { looksLike: "XML or HTML" };
  return { looksLike: "text" };
}
