// Walks through an MP3 stream frame by frame, so that the decoder is never fed anything else: tags and rubbish between
// frames are left out here. (Its own search for the next frame reports each byte it passes on the console, and has a loop
// that only the end of the rubbish ends.)

import type { ByteReader } from "./byte-reader.js";
import { damaged, unsupported } from "./decode-error.js";
import { hasText } from "./little-endian.js";
import type { Mp3Header } from "./mp3-frame.js";
import { FRAME_MAX_BYTES, HEADER_BYTES, headerFault, isSameStream, parseMp3Header } from "./mp3-frame.js";
import { inStep } from "./step-queue.js";
import { tagLength } from "./tags.js";

/** With so much rubbish in a row there is no MP3 stream, or no more of it. */
const SEARCH_MAX_BYTES = 131_072;
/** Places that look like a frame and are none: so many are looked at before others have their turn. */
const LOOKS_PER_TURN = 64;

export class Mp3Walker {
  readonly #reader: ByteReader;
  readonly #tagsMaxBytes: number;
  /** The first frame, with which all others must agree. */
  #model: Mp3Header | undefined;
  #isInStep = false;
  #looks = 0;

  constructor(reader: ByteReader, tagsMaxBytes: number) {
    this.#reader = reader;
    this.#tagsMaxBytes = tagsMaxBytes;
  }

  /** Moves to the next frame. It stands at the beginning of the window, whole, when this resolves. */
  async next(): Promise<Mp3Header | undefined> {
    let rubbishBytes = 0;
    while (rubbishBytes < SEARCH_MAX_BYTES) {
      if (!(await this.#reader.fill(HEADER_BYTES))) return undefined;
      const header = parseMp3Header(this.#reader.view, 0);
      if (header !== undefined && this.#fits(header) && (this.#isInStep || (await this.#isConfirmed(header)))) {
        this.#model ??= header;
        this.#isInStep = true;
        return (await this.#reader.fill(header.frameBytes)) ? header : undefined;
      }
      if (this.#model === undefined && rubbishBytes === 0) this.#refuseRelatives();
      this.#isInStep = false;
      const tagBytes = await tagLength(this.#reader);
      if (tagBytes > 0 && tagBytes <= this.#tagsMaxBytes) {
        if (!(await this.#reader.discard(tagBytes))) return undefined;
      } else {
        rubbishBytes += this.#skipRubbish();
      }
    }
    return undefined;
  }

  #fits(header: Mp3Header): boolean {
    return this.#model === undefined || isSameStream(this.#model, header);
  }

  /** Two bytes of sync are found in any rubbish; two headers at the right distance are not. Three at the very beginning. */
  async #isConfirmed(first: Mp3Header): Promise<boolean> {
    this.#looks += 1;
    if (this.#looks % LOOKS_PER_TURN === 0) await inStep(() => undefined);
    const depth = this.#model === undefined ? 2 : 1;
    await this.#reader.fill(FRAME_MAX_BYTES * depth + HEADER_BYTES);
    const { view } = this.#reader;
    let at = first.frameBytes;
    for (let i = 0; i < depth; i += 1) {
      // A tag, or the end, right behind a frame is as good as another frame.
      if (at >= view.length || isTag(view, at)) return at === view.length || i > 0 || isTag(view, at);
      const following = parseMp3Header(view, at);
      if (following === undefined || !isSameStream(first, following)) return false;
      at += following.frameBytes;
    }
    return true;
  }

  /** To the next byte that might begin a frame or a tag, within the window. */
  #skipRubbish(): number {
    const { view } = this.#reader;
    let at = 1;
    while (at < view.length - 2 && !mayBegin(view, at)) at += 1;
    this.#reader.skip(at);
    return at;
  }

  #refuseRelatives(): void {
    const fault = headerFault(this.#reader.view, 0);
    if (fault === "free-format") throw unsupported("unsupported MP3: free-format bit rate");
    if (fault === "layer-1") throw unsupported("unsupported audio format: looks like MPEG audio layer I");
    if (fault === "layer-2") throw unsupported("unsupported audio format: looks like MPEG audio layer II");
  }
}

/** The first frame's header, or a refusal: the bytes looked like nothing else, so this is the last guess. */
export async function firstFrame(walker: Mp3Walker, hadTag: boolean): Promise<Mp3Header> {
  const header = await walker.next();
  if (header !== undefined) return header;
  throw hadTag ? damaged("no audio behind the tag") : unsupported("unsupported audio format");
}

const isTag = (bytes: Uint8Array, at: number) => ["ID3", "TAG", "APE"].some((name) => hasText(bytes, at, name));

function mayBegin(bytes: Uint8Array, at: number): boolean {
  const byte = bytes[at];
  if (byte === 0xff) return ((bytes[at + 1] ?? 0) & 0xe0) === 0xe0;
  return (byte === 0x49 || byte === 0x54 || byte === 0x41) && isTag(bytes, at);
}
