// Ogg pages: found by their four letters, believed only when their checksum is right.

import type { ByteReader } from "./byte-reader.js";
import { hasText, i64, u32 } from "./little-endian.js";
import { inStep } from "./step-queue.js";

export interface OggPage {
  readonly serial: number;
  readonly sequence: number;
  /** Samples up to the end of the last packet that ends here; undefined if none does. */
  readonly granule: number | undefined;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  /** Its first packet began on an earlier page. */
  readonly isContinued: boolean;
  readonly lacing: Uint8Array;
  readonly body: Uint8Array;
}

const HEADER_BYTES = 27;
const CRC_AT = 22;
/** With so many bytes, or so many broken pages, in a row there is no Ogg stream any more. */
const SEARCH_MAX_BYTES = 1_048_576;
const BROKEN_MAX = 500;

/** The next sound page, a copy of its bytes; undefined at the end. */
export async function readOggPage(reader: ByteReader): Promise<OggPage | undefined> {
  let searchedBytes = 0;
  let broken = 0;
  while (searchedBytes < SEARCH_MAX_BYTES && broken < BROKEN_MAX) {
    if (!(await reader.fill(HEADER_BYTES))) return undefined;
    const length = await pageLength(reader);
    if (length > 0 && (await reader.fill(length))) {
      const page = await inStep(() => parsePage(reader.view.slice(0, length)));
      if (page !== undefined) {
        reader.skip(length);
        return page;
      }
      broken += 1;
    }
    searchedBytes += skipToCapture(reader);
  }
  return undefined;
}

/** 0 where no page begins. */
async function pageLength(reader: ByteReader): Promise<number> {
  if (!hasText(reader.view, 0, "OggS") || reader.view[4] !== 0) return 0;
  const segments = reader.view[HEADER_BYTES - 1] ?? 0;
  if (!(await reader.fill(HEADER_BYTES + segments))) return 0;
  const lacing = reader.view.subarray(HEADER_BYTES, HEADER_BYTES + segments);
  return lacing.reduce((total, length) => total + length, HEADER_BYTES + segments);
}

/** To the next letter that may begin a page, within the window. */
function skipToCapture(reader: ByteReader): number {
  const next = reader.view.indexOf(0x4f, 1);
  const length = next === -1 ? reader.available : next;
  reader.skip(length);
  return length;
}

function parsePage(bytes: Uint8Array): OggPage | undefined {
  if (oggChecksum(bytes) !== u32(bytes, CRC_AT)) return undefined;
  const flags = bytes[5] ?? 0;
  const bodyAt = HEADER_BYTES + (bytes[HEADER_BYTES - 1] ?? 0);
  const granule = i64(bytes, 6);
  return {
    serial: u32(bytes, 14),
    sequence: u32(bytes, 18),
    granule: granule < 0 ? undefined : granule,
    isContinued: (flags & 1) !== 0,
    isFirst: (flags & 2) !== 0,
    isLast: (flags & 4) !== 0,
    lacing: bytes.subarray(HEADER_BYTES, bodyAt),
    body: bytes.subarray(bodyAt),
  };
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index << 24;
  for (let bit = 0; bit < 8; bit += 1) value = (value << 1) ^ (value < 0 ? 0x04c1_1db7 : 0);
  return value;
});

/** Over a whole page, its own field counted as zero. */
export function oggChecksum(page: Uint8Array): number {
  let crc = 0;
  for (let at = 0; at < page.length; at += 1) {
    const byte = at >= CRC_AT && at < CRC_AT + 4 ? 0 : (page[at] ?? 0);
    crc = (crc << 8) ^ (CRC_TABLE[(crc >>> 24) ^ byte] ?? 0);
  }
  return crc >>> 0;
}
