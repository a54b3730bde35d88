// What one format's decoder looks like to the rest: it pulls bytes when it is asked, and gives blocks of samples.

import type { ByteReader } from "./byte-reader.js";

export type AudioFormatName = "mp3" | "wav" | "ogg-opus" | "ogg-vorbis" | "flac";

export interface BlockSource {
  readonly format: AudioFormatName;
  readonly sampleRateHz: number;
  /** Of what `next` gives. Files with more channels are mixed down to two. */
  readonly channels: 1 | 2;
  /** From headers that can be trusted, else undefined. */
  readonly durationMs: number | undefined;
  /** The next interleaved samples; an empty block when the step gave none; undefined at the end. */
  next(): Promise<Int16Array | undefined>;
  /** Frees what the decoder holds. May be called twice, and while `next` is pending. */
  close(): void;
}

/** Reads headers until the sound is known. Frees what it took itself when it throws. */
export type OpenSource = (reader: ByteReader, limits: SourceLimits) => Promise<BlockSource>;

export interface SourceLimits {
  /** Header and tags that are skipped before audio must begin. */
  readonly preambleMaxBytes: number;
}
