// Tags before, between and behind frames: ID3v2 (pictures of many megabytes), APEv2 and ID3v1. They are skipped as they
// stream by.

import type { ByteReader } from "./byte-reader.js";
import { hasText, u32 } from "./little-endian.js";

const ID3V2_HEADER_BYTES = 10;
const ID3V1_BYTES = 128;
const APE_HEADER_BYTES = 32;

/** Length of the tag that the window begins with, 0 if there is none. */
export async function tagLength(reader: ByteReader): Promise<number> {
  await reader.fill(3);
  const { view } = reader;
  if (hasText(view, 0, "ID3")) return (await reader.fill(ID3V2_HEADER_BYTES)) ? id3v2Length(reader.view) : 0;
  if (hasText(view, 0, "APE")) return (await reader.fill(APE_HEADER_BYTES)) ? apeLength(reader.view) : 0;
  return hasText(view, 0, "TAG") ? ID3V1_BYTES : 0;
}

/** Skips all tags in a row. False when they reach beyond `maxBytes` of the stream. */
export async function skipTags(reader: ByteReader, maxBytes: number): Promise<boolean> {
  for (;;) {
    const length = await tagLength(reader);
    if (length === 0) return true;
    if (reader.position + length > maxBytes) return false;
    if (!(await reader.discard(length))) return true;
  }
}

/** Seven bits to the byte, so that no size looks like the beginning of a frame. */
function id3v2Length(bytes: Uint8Array): number {
  let size = 0;
  for (let at = 6; at < 10; at += 1) size = size * 128 + ((bytes[at] ?? 0) & 0x7f);
  const hasFooter = ((bytes[5] ?? 0) & 0x10) !== 0;
  return ID3V2_HEADER_BYTES + size + (hasFooter ? ID3V2_HEADER_BYTES : 0);
}

/** The size counts the items and the footer, not the header. A lone footer, behind items that were skipped, is 32 bytes. */
function apeLength(bytes: Uint8Array): number {
  if (!hasText(bytes, 0, "APETAGEX")) return 0;
  const isHeader = (u32(bytes, 20) & 0x2000_0000) !== 0;
  return APE_HEADER_BYTES + (isHeader ? u32(bytes, 12) : 0);
}
