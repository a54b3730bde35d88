// Streaming audio decoding: bytes in, PCM16 out, both only as fast as somebody pulls. The format is told by the bytes.
// Whatever the bytes are, memory stays bounded, the event loop is shared in steps of a few milliseconds, and the end is
// samples, or one DecodeError that a person understands.

import type { AudioFormatName, BlockSource, OpenSource } from "./block-source.js";
import { ByteReader, ReaderClosed } from "./byte-reader.js";
import { DecodeError, damaged, unsupported } from "./decode-error.js";
import { openFlac } from "./flac.js";
import { openMp3 } from "./mp3.js";
import { OggPackets } from "./ogg-packets.js";
import { openOpus } from "./opus.js";
import { SNIFF_BYTES, sniff } from "./sniff.js";
import { skipTags } from "./tags.js";
import { openVorbis } from "./vorbis.js";
import { openWav } from "./wav.js";

export type { AudioFormatName } from "./block-source.js";
export { DecodeError } from "./decode-error.js";
export type { DecodeErrorCode } from "./decode-error.js";

export interface DecodeLimits {
  /** Of sound. A file that says it is longer is refused, one that turns out longer ends with an error. */
  readonly audioMaxMs: number;
  /** Header and tags that are skipped before audio must begin. */
  readonly preambleMaxBytes: number;
}

export interface DecodedAudio {
  readonly format: AudioFormatName;
  readonly sampleRateHz: number;
  /** Files with more channels are mixed down to two. */
  readonly channels: 1 | 2;
  /** From headers where they can be trusted, else undefined. */
  readonly durationMs: number | undefined;
  /** Interleaved, in pieces of at most 100 ms. Bytes are pulled only as samples are. To be iterated once. */
  readonly samples: AsyncIterable<Int16Array>;
  /** Frees everything and lets the bytes go; the samples end. Not needed after their end. */
  close(): void;
}

const PIECE_MAX_MS = 100;

/** Resolves when the first sound is decoded. Throws DecodeError; errors of `bytes` and of `signal` pass as they are. */
export async function decodeAudio(
  bytes: AsyncIterable<Uint8Array>,
  limits: DecodeLimits,
  signal: AbortSignal,
): Promise<DecodedAudio> {
  const reader = new ByteReader(bytes, signal);
  let source: BlockSource | undefined;
  let isClosed = false;
  const close = () => {
    isClosed = true;
    signal.removeEventListener("abort", close);
    source?.close();
    reader.close();
  };
  try {
    source = await openSource(reader, limits);
    const { format, sampleRateHz, channels, durationMs } = source;
    signal.throwIfAborted();
    signal.addEventListener("abort", close, { once: true });
    if (durationMs !== undefined && durationMs > limits.audioMaxMs) throw tooLong(limits);
    const first = await firstBlock(source, reader, limits);
    const parts = { source, first, limits, signal, close, isClosed: () => isClosed };
    return { format, sampleRateHz, channels, durationMs, samples: pieces(parts), close };
  } catch (error) {
    close();
    throw error;
  }
}

async function openSource(reader: ByteReader, limits: DecodeLimits): Promise<BlockSource> {
  if (!(await reader.fill(1))) throw new DecodeError("empty", "the file is empty");
  if (!(await skipTags(reader, limits.preambleMaxBytes))) throw noAudioWithin(limits);
  await reader.fill(SNIFF_BYTES);
  const found = sniff(reader.view.subarray(0, SNIFF_BYTES));
  if (typeof found === "object") throw unsupported(`unsupported audio format: looks like ${found.looksLike}`);
  return openers[found ?? "mp3"](reader, limits);
}

const openOgg: OpenSource = async (reader, { preambleMaxBytes }) => {
  const packets = new OggPackets(reader, preambleMaxBytes);
  return (await packets.open()) === "opus" ? openOpus(packets) : openVorbis(packets);
};

const openers = { wav: openWav, ogg: openOgg, flac: openFlac, mp3: openMp3 } as const;

async function firstBlock(source: BlockSource, reader: ByteReader, limits: DecodeLimits): Promise<Int16Array> {
  for (;;) {
    const block = await source.next();
    if (block === undefined) throw damaged("nothing in the file could be decoded");
    if (block.length > 0) return block;
    if (reader.position > limits.preambleMaxBytes) throw noAudioWithin(limits);
  }
}

interface Parts {
  readonly source: BlockSource;
  readonly first: Int16Array;
  readonly limits: DecodeLimits;
  readonly signal: AbortSignal;
  readonly close: () => void;
  readonly isClosed: () => boolean;
}

async function* pieces(parts: Parts): AsyncGenerator<Int16Array, void, undefined> {
  const { source, first, limits, signal, close, isClosed } = parts;
  const { channels, sampleRateHz } = source;
  const pieceLength = Math.floor((sampleRateHz * PIECE_MAX_MS) / 1000) * channels;
  let leftLength = Math.floor((limits.audioMaxMs * sampleRateHz) / 1000) * channels;
  try {
    for (let block: Int16Array | undefined = first; block !== undefined; block = await nextBlock(source)) {
      for (let at = 0; at < block.length; at += pieceLength) {
        signal.throwIfAborted();
        if (isClosed()) return;
        const piece = block.subarray(at, Math.min(at + pieceLength, at + leftLength));
        leftLength -= piece.length;
        if (piece.length > 0) yield piece;
        if (leftLength === 0 && at + piece.length < block.length) throw tooLong(limits);
      }
    }
    // A decoder that was closed under way just has no more to give.
    signal.throwIfAborted();
  } catch (error) {
    if (!(error instanceof ReaderClosed)) throw error;
  } finally {
    close();
  }
}

/** Sound has been heard already: damage behind it is the end, not a failure. */
async function nextBlock(source: BlockSource): Promise<Int16Array | undefined> {
  try {
    return await source.next();
  } catch (error) {
    if (error instanceof DecodeError && error.code === "damaged") return undefined;
    throw error;
  }
}

const tooLong = ({ audioMaxMs }: DecodeLimits) =>
  new DecodeError("too_long", `the audio is longer than ${audioMaxMs / 1000} s`);

const noAudioWithin = ({ preambleMaxBytes }: DecodeLimits) =>
  damaged(`no audio in the first ${preambleMaxBytes} bytes`);
