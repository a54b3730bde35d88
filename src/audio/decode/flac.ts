// FLAC, decoded here: it is integer arithmetic of two pages, cannot trap, and finds the next sound frame by checksum.

import type { BlockSource, OpenSource } from "./block-source.js";
import type { ByteReader } from "./byte-reader.js";
import { damaged } from "./decode-error.js";
import { decodeFrame, frameMaxBytes } from "./flac-frame.js";
import type { FlacFrameHeader, FlacInfo } from "./flac-header.js";
import { FRAME_HEADER_MAX_BYTES, STREAMINFO_BYTES, parseFrameHeader, parseStreamInfo } from "./flac-header.js";
import { u32be } from "./little-endian.js";
import type { Downmix } from "./pcm16.js";
import { downmixOf, interleave, outputChannels, waveLayouts } from "./pcm16.js";
import { inStep } from "./step-queue.js";

/** With so many bytes, or so many broken frames, in a row the rest is no FLAC. */
const SEARCH_MAX_BYTES = 1_048_576;
const BROKEN_MAX = 200;
const STREAMINFO = 0;

export const openFlac: OpenSource = async (reader, { preambleMaxBytes }) => {
  reader.skip(4);
  return new FlacSource(reader, await readInfo(reader, preambleMaxBytes));
};

async function readInfo(reader: ByteReader, preambleMaxBytes: number): Promise<FlacInfo> {
  let info: FlacInfo | undefined;
  for (;;) {
    if (!(await reader.fill(4))) throw damaged("FLAC file without sound");
    const word = u32be(reader.view, 0);
    const length = word & 0xff_ffff;
    reader.skip(4);
    if (info === undefined) {
      const isInfo = ((word >>> 24) & 0x7f) === STREAMINFO && length === STREAMINFO_BYTES;
      if (!isInfo || !(await reader.fill(length))) throw damaged("FLAC file without its STREAMINFO");
      info = parseStreamInfo(reader.view.subarray(0, length));
    }
    if (reader.position + length > preambleMaxBytes) {
      throw damaged(`no audio in the first ${preambleMaxBytes} bytes of the FLAC file`);
    }
    if (!(await reader.discard(length))) throw damaged("FLAC file without sound");
    if (word >>> 31 === 1) return info;
  }
}

class FlacSource implements BlockSource {
  readonly format = "flac";
  readonly sampleRateHz: number;
  readonly channels: 1 | 2;
  readonly durationMs: number | undefined;
  readonly #reader: ByteReader;
  readonly #info: FlacInfo;
  readonly #mix: Downmix | undefined;
  readonly #gain: number;

  constructor(reader: ByteReader, info: FlacInfo) {
    this.#reader = reader;
    this.#info = info;
    this.#mix = downmixOf(info.channels, waveLayouts[info.channels] ?? "");
    this.#gain = 2 ** (1 - info.bits);
    this.sampleRateHz = info.sampleRateHz;
    this.channels = outputChannels(info.channels);
    this.durationMs = info.totalSamples > 0 ? (info.totalSamples * 1000) / info.sampleRateHz : undefined;
  }

  async next(): Promise<Int16Array | undefined> {
    let searchedBytes = 0;
    for (let broken = 0; broken < BROKEN_MAX && searchedBytes < SEARCH_MAX_BYTES;) {
      if (!(await this.#reader.fill(FRAME_HEADER_MAX_BYTES)) && this.#reader.available === 0) return undefined;
      const header = parseFrameHeader(this.#reader.view, 0, this.#info);
      if (header !== undefined) {
        await this.#reader.fill(frameMaxBytes(header, this.#info));
        const block = await inStep(() => this.#decode(header));
        if (block !== undefined) return block;
        broken += 1;
      }
      searchedBytes += this.#skipRubbish();
    }
    return undefined;
  }

  close(): void {
    // Nothing but memory is held here.
  }

  #decode(header: FlacFrameHeader): Int16Array | undefined {
    const frame = decodeFrame(this.#reader.view, header, this.#info);
    if (frame === undefined) return undefined;
    this.#reader.skip(frame.bytes);
    return interleave(frame.planes, this.#mix, { from: 0, to: header.blockSize, gain: this.#gain });
  }

  /** To the next byte that may begin a frame, within the window. */
  #skipRubbish(): number {
    const next = this.#reader.view.indexOf(0xff, 1);
    const length = next === -1 ? this.#reader.available : next;
    this.#reader.skip(length);
    return length;
  }
}
