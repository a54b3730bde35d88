// From Ogg pages to the packets of one stream in them. A file may hold several streams side by side (a video, a skeleton)
// and several one after the other (internet radio): the first that can be played is, and those that follow it.

import type { ByteReader } from "./byte-reader.js";
import { damaged, unsupported } from "./decode-error.js";
import { hasText } from "./little-endian.js";
import type { OggPage } from "./ogg-page.js";
import { readOggPage } from "./ogg-page.js";

export type OggCodec = "opus" | "vorbis";

export interface OggPacket {
  readonly bytes: Uint8Array;
  /** Longer than any packet of sound or setup, and cut: a comment with pictures. */
  readonly isCut: boolean;
  /** It is the first of a stream: a codec header. */
  readonly isHead: boolean;
  readonly page: PageEnd;
}

/** What the page that a packet ends on says about the time. */
export interface PageEnd {
  readonly granule: number | undefined;
  /** Of the page before, 0 at the beginning; undefined when a page was lost in between. */
  readonly granuleBefore: number | undefined;
  readonly isLast: boolean;
}

/** No decoder takes longer packets. */
export const PACKET_MAX_BYTES = 131_072;

const heads: readonly (readonly [start: string, codec: OggCodec])[] = [
  ["OpusHead", "opus"],
  ["\x01vorbis", "vorbis"],
];
const foreign: readonly (readonly [start: string, name: string])[] = [
  ["\x7fFLAC", "FLAC"],
  ["Speex   ", "Speex"],
  ["\x80theora", "Theora"],
  ["BBCD\0", "Dirac"],
];

export class OggPackets {
  readonly #reader: ByteReader;
  readonly #commentMaxBytes: number;
  #codec: OggCodec | undefined;
  #serial = 0;
  #sequence = 0;
  #granule: number | undefined = 0;
  /** Pages of sound have come, so a new head is a new stream and not one beside this. */
  #hasBegun = false;
  #ready: OggPacket[] = [];
  #partial: Uint8Array[] = [];
  #partialBytes = 0;

  constructor(reader: ByteReader, commentMaxBytes: number) {
    this.#reader = reader;
    this.#commentMaxBytes = commentMaxBytes;
  }

  /** Finds the stream to play. Its head is the first packet that `next` gives. */
  async open(): Promise<OggCodec> {
    let seen = "";
    for (;;) {
      const page = await readOggPage(this.#reader);
      if (page === undefined || !page.isFirst) {
        throw seen === "" ? damaged("damaged Ogg file") : unsupported(`unsupported Ogg codec (${seen})`);
      }
      const codec = codecOf(page);
      if (codec === undefined) {
        seen = foreign.find(([start]) => hasText(page.body, 0, start))?.[1] ?? "unknown";
        continue;
      }
      this.#codec = codec;
      this.#begin(page);
      return codec;
    }
  }

  async next(): Promise<OggPacket | undefined> {
    for (;;) {
      const packet = this.#ready.shift();
      if (packet !== undefined) return packet;
      const page = await readOggPage(this.#reader);
      if (page === undefined) return undefined;
      if (page.isFirst && this.#hasBegun && codecOf(page) === this.#codec) this.#begin(page);
      else if (page.serial === this.#serial) this.#take(page);
    }
  }

  #begin(page: OggPage): void {
    this.#serial = page.serial;
    this.#sequence = page.sequence - 1;
    this.#granule = 0;
    this.#hasBegun = false;
    this.#dropPartial();
    this.#take(page);
  }

  #take(page: OggPage): void {
    const isNext = page.sequence === this.#sequence + 1;
    this.#sequence = page.sequence;
    if (!isNext) this.#granule = undefined;
    if (!isNext || !page.isContinued) this.#dropPartial();
    const end = { granule: page.granule, granuleBefore: this.#granule, isLast: page.isLast };
    if (page.granule !== undefined) this.#granule = page.granule;
    this.#hasBegun ||= !page.isFirst;
    // The end of a packet whose beginning was lost is no packet.
    let isLost = page.isContinued && this.#partialBytes === 0;
    let at = 0;
    for (const length of page.lacing) {
      this.#append(page.body.subarray(at, at + length));
      at += length;
      if (length === 255) continue;
      if (isLost) this.#dropPartial();
      else this.#finish(page.isFirst, end);
      isLost = false;
    }
    if (isLost) this.#dropPartial();
  }

  #append(bytes: Uint8Array): void {
    if (this.#partialBytes < PACKET_MAX_BYTES) this.#partial.push(bytes);
    this.#partialBytes += bytes.length;
    if (this.#partialBytes > this.#commentMaxBytes) throw damaged("endless Ogg packet");
  }

  #finish(isHead: boolean, page: PageEnd): void {
    const isCut = this.#partialBytes > PACKET_MAX_BYTES;
    const bytes = new Uint8Array(isCut ? 0 : this.#partialBytes);
    let at = 0;
    for (const part of isCut ? [] : this.#partial) {
      bytes.set(part, at);
      at += part.length;
    }
    this.#dropPartial();
    this.#ready.push({ bytes, isCut, isHead, page });
  }

  #dropPartial(): void {
    this.#partial = [];
    this.#partialBytes = 0;
  }
}

const codecOf = (page: OggPage) => heads.find(([start]) => hasText(page.body, 0, start))?.[1];
