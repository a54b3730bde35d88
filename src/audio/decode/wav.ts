// WAV: RIFF, RF64 and BW64. Chunks are skipped as they stream by; no declared size is ever allocated, and a size that
// cannot be meant (0, or near the end of 32 bits, as streaming encoders write) means "until the end".

import type { BlockSource, OpenSource } from "./block-source.js";
import type { ByteReader } from "./byte-reader.js";
import { DecodeError, damaged } from "./decode-error.js";
import { hasText, textAt, u32, u64 } from "./little-endian.js";
import { downmixOf, interleave, outputChannels } from "./pcm16.js";
import { inStep } from "./step-queue.js";
import type { WavFormat } from "./wav-format.js";
import { FMT_MAX_BYTES, parseWavFormat } from "./wav-format.js";
import { splitFrames } from "./wav-samples.js";

/** Encoders that do not know the size yet write 0x7fffffff, 0x7ffff000, 0xffffffff and the like. */
const SIZE_UNKNOWN_FROM = 0x7fff_0000;
const SIZE_64_UNKNOWN_FROM = 2 ** 40;
/** RF64 keeps sizes beyond 32 bits in a chunk of their own. */
const SIZE_IN_DS64 = 0xffff_ffff;
const PIECE_MS = 50;
const RIFF_HEADER_BYTES = 12;
const CHUNK_HEADER_BYTES = 8;
const DS64_BYTES = 28;

export const openWav: OpenSource = async (reader, { preambleMaxBytes }) => {
  const { format, dataBytes } = await readHeader(reader, preambleMaxBytes);
  return createSource(reader, format, dataBytes);
};

interface WavHeader {
  readonly format: WavFormat;
  /** Undefined: until the end. */
  readonly dataBytes: number | undefined;
}

async function readHeader(reader: ByteReader, preambleMaxBytes: number): Promise<WavHeader> {
  let format: WavFormat | undefined;
  let size64: number | undefined;
  await reader.fill(RIFF_HEADER_BYTES);
  const is64 = !hasText(reader.view, 0, "RIFF");
  reader.skip(RIFF_HEADER_BYTES);
  while (await reader.fill(CHUNK_HEADER_BYTES)) {
    const name = textAt(reader.view, 0, 4);
    const size = u32(reader.view, 4);
    reader.skip(CHUNK_HEADER_BYTES);
    if (name === "data") {
      if (format === undefined) throw damaged("WAV data before its fmt chunk");
      const isElsewhere = is64 && size === SIZE_IN_DS64;
      return { format, dataBytes: isElsewhere ? knownSize64(size64 ?? 0) : knownSize(size) };
    }
    if (name === "fmt ") {
      if (size > FMT_MAX_BYTES) throw damaged(`WAV fmt chunk of ${size} bytes`);
      if (!(await reader.fill(size))) break;
      format = parseWavFormat(reader.view.subarray(0, size));
    }
    if (name === "ds64" && size >= DS64_BYTES && (await reader.fill(DS64_BYTES))) size64 = u64(reader.view, 8);
    // A chunk of an odd size is followed by a byte of padding.
    const padded = size + (size % 2);
    if (reader.position + padded > preambleMaxBytes) {
      throw damaged(`no audio in the first ${preambleMaxBytes} bytes of the WAV file`);
    }
    if (!(await reader.discard(padded))) break;
  }
  throw damaged(format === undefined ? "WAV file without a fmt chunk" : "WAV file without a data chunk");
}

const knownSize = (size: number) => (size === 0 || size >= SIZE_UNKNOWN_FROM ? undefined : size);
const knownSize64 = (size: number) => (size === 0 || size >= SIZE_64_UNKNOWN_FROM ? undefined : size);

function createSource(reader: ByteReader, format: WavFormat, dataBytes: number | undefined): BlockSource {
  const { sampleRateHz, channels, bytesPerSample, layout } = format;
  const blockAlign = channels * bytesPerSample;
  const mix = downmixOf(channels, layout);
  const pieceBytes = Math.ceil((sampleRateHz * PIECE_MS) / 1000) * blockAlign;
  let leftBytes = dataBytes ?? Infinity;
  let hasBegun = false;

  async function next(): Promise<Int16Array | undefined> {
    const wantedBytes = Math.min(pieceBytes, leftBytes);
    await reader.fill(wantedBytes);
    const frames = Math.floor(Math.min(reader.available, wantedBytes) / blockAlign);
    if (frames === 0) {
      if (!hasBegun) throw new DecodeError("empty", "the WAV file holds no audio");
      return undefined;
    }
    hasBegun = true;
    return inStep(() => {
      const planes = splitFrames(reader.view.subarray(0, frames * blockAlign), format);
      reader.skip(frames * blockAlign);
      leftBytes -= frames * blockAlign;
      return interleave(planes, mix, { from: 0, to: planes[0]?.length ?? 0 });
    });
  }

  return {
    format: "wav",
    sampleRateHz,
    channels: outputChannels(channels),
    durationMs: dataBytes === undefined ? undefined : (Math.floor(dataBytes / blockAlign) * 1000) / sampleRateHz,
    next,
    close: () => undefined,
  };
}
