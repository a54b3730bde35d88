// Cloud → track. Chunks are kept as they came, at their own rate and channel count, and converted 20 ms at a time when the
// pacer asks: a chunk of a hundred seconds costs no more at once than one of ten milliseconds.

import type { FrameSource, TrackFormat } from "../livekit/room.js";
import { remix, samplesOf } from "./pcm.js";
import type { CreateResampler, Resampler } from "./resampler.js";

export interface PcmFormat {
  readonly sampleRateHz: number;
  readonly channels: number;
}

export interface UplinkQueueOptions {
  readonly format: TrackFormat;
  readonly createResampler: CreateResampler;
  /** Above this the queue asks its writer to pause. */
  readonly pauseAboveMs: number;
  /** Below this, after a pause, it calls `drained`. */
  readonly resumeBelowMs: number;
  readonly drained: () => void;
}

interface QueuedChunk {
  readonly samples: Int16Array;
  readonly format: PcmFormat;
  /** Elements of `samples` converted so far. */
  offset: number;
  /** What the chunk costs the queue beyond its duration: a chunk of one sample is no less work than one of 10 ms. */
  readonly surchargeMs: number;
}

const CONVERT_MS = 20;
const CHUNK_MIN_MS = 2;
const EMPTY = new Int16Array(0);

export class UplinkQueue implements FrameSource {
  readonly #options: UplinkQueueOptions;
  readonly #chunks: QueuedChunk[] = [];
  #queuedMs = 0;
  #carry: { readonly bytes: Uint8Array; readonly format: PcmFormat } | undefined;
  #resampler: { readonly instance: Resampler; readonly rateHz: number; isFlushed: boolean } | undefined;
  #converted: Int16Array = EMPTY;
  #convertedOffset = 0;
  #isPaused = false;

  constructor(options: UplinkQueueOptions) {
    this.#options = options;
  }

  get queuedMs(): number {
    return this.#queuedMs;
  }

  /** Appends one chunk. Returns false when the writer should pause until `drained`. */
  push(pcm: Uint8Array, format: PcmFormat): boolean {
    const whole = this.#wholeFrames(pcm, format);
    if (whole.length > 0) {
      const samples = samplesOf(whole);
      const lengthMs = durationMs(samples.length, format);
      const surchargeMs = Math.max(0, CHUNK_MIN_MS - lengthMs);
      this.#chunks.push({ samples, format, offset: 0, surchargeMs });
      this.#queuedMs += lengthMs + surchargeMs;
    }
    this.#isPaused = this.#queuedMs > this.#options.pauseAboveMs;
    return !this.#isPaused;
  }

  read(frame: Int16Array): number {
    let filled = 0;
    while (filled < frame.length) {
      const left = this.#converted.length - this.#convertedOffset;
      if (left === 0) {
        if (!this.#convertNext()) break;
        continue;
      }
      const take = Math.min(left, frame.length - filled);
      frame.set(this.#converted.subarray(this.#convertedOffset, this.#convertedOffset + take), filled);
      this.#convertedOffset += take;
      filled += take;
    }
    this.#resumeWriter();
    return filled;
  }

  /** Drops a chunk instead of playing it; returns how many bytes that were. */
  skip(pcm: Uint8Array, format: PcmFormat): number {
    return this.#wholeFrames(pcm, format).length;
  }

  /** The writer has changed: half a sample of the old one is no beginning of the new one's. Returns the bytes lost. */
  cut(): number {
    const bytes = this.#carry?.bytes.length ?? 0;
    this.#carry = undefined;
    return bytes;
  }

  /** Drops everything and returns how many bytes of audio were lost by it. */
  clear(): number {
    let bytes = this.#carry?.bytes.length ?? 0;
    for (const chunk of this.#chunks) bytes += (chunk.samples.length - chunk.offset) * 2;
    this.#chunks.length = 0;
    this.#queuedMs = 0;
    this.#carry = undefined;
    this.#converted = EMPTY;
    this.#convertedOffset = 0;
    this.#closeResampler();
    this.#resumeWriter();
    return bytes;
  }

  #wholeFrames(pcm: Uint8Array, format: PcmFormat): Uint8Array {
    const bytes = this.#withCarry(pcm, format);
    const length = bytes.length - (bytes.length % (format.channels * 2));
    if (length < bytes.length) this.#carry = { bytes: bytes.slice(length), format };
    return bytes.subarray(0, length);
  }

  /** An odd trailing byte, or half a frame, belongs to the chunk that follows; unless that one has another format. */
  #withCarry(pcm: Uint8Array, format: PcmFormat): Uint8Array {
    const carry = this.#carry;
    if (!carry) return pcm;
    this.#carry = undefined;
    const isSame = carry.format.sampleRateHz === format.sampleRateHz && carry.format.channels === format.channels;
    return isSame ? Buffer.concat([carry.bytes, pcm]) : pcm;
  }

  #convertNext(): boolean {
    const chunk = this.#chunks[0];
    if (!chunk) return this.#flush();
    const { samples, format } = chunk;
    const step = Math.max(1, Math.round((format.sampleRateHz * CONVERT_MS) / 1000)) * format.channels;
    const piece = samples.subarray(chunk.offset, chunk.offset + step);
    chunk.offset += piece.length;
    this.#queuedMs = Math.max(0, this.#queuedMs - durationMs(piece.length, format));
    if (chunk.offset >= samples.length) {
      this.#chunks.shift();
      this.#queuedMs = Math.max(0, this.#queuedMs - chunk.surchargeMs);
    }
    if (this.#chunks.length === 0) this.#queuedMs = 0;
    const mixed = remix(piece, format.channels, this.#options.format.channels);
    this.#setConverted(this.#resample(mixed, format.sampleRateHz));
    return true;
  }

  #resample(samples: Int16Array, rateHz: number): Int16Array {
    const { format, createResampler } = this.#options;
    if (this.#resampler && this.#resampler.rateHz !== rateHz) this.#closeResampler();
    if (rateHz === format.sampleRateHz) return samples;
    this.#resampler ??= {
      instance: createResampler({
        inputRateHz: rateHz,
        outputRateHz: format.sampleRateHz,
        channels: format.channels,
      }),
      rateHz,
      isFlushed: false,
    };
    this.#resampler.isFlushed = false;
    return this.#resampler.instance.process(samples);
  }

  /** Dry: what the filter still holds is the end of what was said, and must be heard. */
  #flush(): boolean {
    if (!this.#resampler || this.#resampler.isFlushed) return false;
    this.#resampler.isFlushed = true;
    this.#setConverted(this.#resampler.instance.flush());
    return true;
  }

  #setConverted(samples: Int16Array): void {
    this.#converted = samples;
    this.#convertedOffset = 0;
  }

  #closeResampler(): void {
    this.#resampler?.instance.close();
    this.#resampler = undefined;
  }

  #resumeWriter(): void {
    if (!this.#isPaused || this.#queuedMs > this.#options.resumeBelowMs) return;
    this.#isPaused = false;
    this.#options.drained();
  }
}

function durationMs(samples: number, format: PcmFormat): number {
  return (samples / format.channels / format.sampleRateHz) * 1000;
}
