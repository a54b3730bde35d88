// MP3: MPEG-1, 2 and 2.5 layer III through libmpg123. We walk the frames and cut the encoder's silence off both ends
// ourselves; the decoder gets whole frames of one stream and nothing else.

import { MPEGDecoder } from "mpg123-decoder";
import type { BlockSource, OpenSource } from "./block-source.js";
import type { ByteReader } from "./byte-reader.js";
import { EdgeTrim } from "./edge-trim.js";
import type { Mp3Header, Mp3Info } from "./mp3-frame.js";
import { parseMp3Info } from "./mp3-frame.js";
import { Mp3Walker, firstFrame } from "./mp3-walker.js";
import { interleave } from "./pcm16.js";
import { inStep } from "./step-queue.js";
import { callDecoder, freeDecoder, startDecoder } from "./wasm-call.js";

/** Every decoder of layer III is late by this much, whatever the encoder did. */
const DECODER_DELAY = 529;
const NOTHING = new Int16Array(0);

export const openMp3: OpenSource = async (reader, { preambleMaxBytes }) => {
  const walker = new Mp3Walker(reader, preambleMaxBytes);
  const header = await firstFrame(walker, reader.position > 0);
  const info = parseMp3Info(reader.view.subarray(0, header.frameBytes), header);
  const decoder = await startDecoder(() => new MPEGDecoder({ enableGapless: false }));
  return new Mp3Source({ reader, walker, decoder, header, info });
};

interface Mp3Parts {
  readonly reader: ByteReader;
  readonly walker: Mp3Walker;
  readonly decoder: MPEGDecoder;
  /** Of the first frame, at which the reader stands. */
  readonly header: Mp3Header;
  readonly info: Mp3Info | undefined;
}

class Mp3Source implements BlockSource {
  readonly format = "mp3";
  readonly sampleRateHz: number;
  readonly channels: 1 | 2;
  readonly durationMs: number | undefined;
  readonly #parts: Mp3Parts;
  readonly #trim: EdgeTrim;
  #state: "first" | "walking" | "ended" | "closed" = "first";
  #framesDecoded = 0;

  constructor(parts: Mp3Parts) {
    const { header, info } = parts;
    this.#parts = parts;
    this.sampleRateHz = header.sampleRateHz;
    this.channels = header.channels;
    this.durationMs = durationOf(header, info);
    const isTrimmed = info !== undefined && info.delay + info.padding > 0;
    const skip = isTrimmed ? info.delay + DECODER_DELAY : 0;
    const keepBack = isTrimmed ? Math.max(0, info.padding - DECODER_DELAY) : 0;
    this.#trim = new EdgeTrim(skip * this.channels, keepBack * this.channels);
  }

  async next(): Promise<Int16Array | undefined> {
    if (this.#state === "ended" || this.#state === "closed") return undefined;
    const { walker, header: first } = this.#parts;
    const header = this.#state === "first" ? first : await walker.next();
    if (header === undefined) return this.#end();
    return inStep(() => this.#decode(header));
  }

  close(): void {
    if (this.#state === "closed") return;
    const isFreed = this.#state === "ended";
    this.#state = "closed";
    if (!isFreed) freeDecoder(this.#parts.decoder);
  }

  #decode(header: Mp3Header): Int16Array {
    const { reader, decoder } = this.#parts;
    if (this.#state === "closed") return NOTHING;
    this.#state = "walking";
    const frame = reader.view.subarray(0, header.frameBytes);
    const isInfo = parseMp3Info(frame, header) !== undefined;
    const decoded = isInfo ? undefined : callDecoder(() => decoder.decode(frame));
    reader.skip(header.frameBytes);
    if (decoded === undefined) return NOTHING;
    this.#framesDecoded += 1;
    // The decoder always gives two channels; of a mono file they are the same.
    const planes = decoded.channelData.slice(0, this.channels);
    return this.#trim.push(interleave(planes, undefined, { from: 0, to: decoded.samplesDecoded }));
  }

  /** The silence behind the sound is only there if the file has as many frames as its first one says. */
  #end(): Int16Array | undefined {
    if (this.#state === "closed") return undefined;
    this.#state = "ended";
    freeDecoder(this.#parts.decoder);
    const isComplete = this.#framesDecoded === this.#parts.info?.frames;
    return isComplete ? undefined : this.#trim.rest();
  }
}

function durationOf(header: Mp3Header, info: Mp3Info | undefined): number | undefined {
  if (info?.frames === undefined || info.frames === 0) return undefined;
  const samples = info.frames * header.samplesPerFrame - info.delay - info.padding;
  return samples > 0 ? (samples * 1000) / header.sampleRateHz : undefined;
}
