// Stands for the speech recogniser: takes what the cloud gives it, and makes captions of it. It cannot hear, so a caption is
// the numbers of the packets that a chunk begins with; what matters is that chunks come as evenly as a recogniser wants
// them.

import { readPacketMark } from "./numbered-packet.js";

export interface CadenceReport {
  readonly chunks: number;
  /** Chunks of another size than 100 ms of audio. */
  readonly oddSizes: number;
  /** Newest last: when a chunk came, in Unix milliseconds, and the number of the packet it begins with. */
  readonly captions: readonly Caption[];
}

export interface Caption {
  readonly atMs: number;
  readonly number: number | undefined;
}

const CHUNK_BYTES = 3200;
const CAPTIONS_KEPT_MAX = 3000;

export class Recogniser {
  #chunks = 0;
  #oddSizes = 0;
  readonly #captions: Caption[] = [];
  readonly #caption: (caption: Caption) => void;

  /** `caption` is called with the first one, and the first after each second without any. */
  constructor(caption: (caption: Caption) => void) {
    this.#caption = caption;
  }

  take(pcm: Uint8Array, atMs = Date.now()): void {
    this.#chunks += 1;
    if (pcm.length !== CHUNK_BYTES) this.#oddSizes += 1;
    const caption = { atMs, number: readPacketMark(pcm)?.number };
    const last = this.#captions.at(-1);
    if (!last || atMs - last.atMs > 1000) this.#caption(caption);
    this.#captions.push(caption);
    if (this.#captions.length > CAPTIONS_KEPT_MAX) this.#captions.shift();
  }

  report(): CadenceReport {
    return { chunks: this.#chunks, oddSizes: this.#oddSizes, captions: this.#captions };
  }
}
