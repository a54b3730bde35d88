// Sample rate conversion with a real low-pass: the Speex resampler as one WASM module that all streams share.

import load from "@echogarden/speex-resampler-wasm";
import type { SpeexModule } from "@echogarden/speex-resampler-wasm";

/** 0 (fast) to 10; 7 keeps aliases below −80 dB at about 4 ms of CPU per second of audio. */
const QUALITY = 7;
/** The most input that one call converts, in frames (samples per channel). Callers feed 20 ms at a time. */
const INPUT_FRAMES_MAX = 4096;
const BYTES_PER_SAMPLE = 2;

export interface Resampler {
  /** Converts interleaved PCM16. Returns a new array; may be empty while the filter fills. */
  process(input: Int16Array): Int16Array;
  /** What the filter still holds. Afterwards the resampler begins anew. */
  flush(): Int16Array;
  close(): void;
}

export interface ResamplerFormat {
  readonly inputRateHz: number;
  readonly outputRateHz: number;
  readonly channels: number;
}

export type CreateResampler = (format: ResamplerFormat) => Resampler;

/** Loads the module; afterwards resamplers are created without waiting. */
export async function loadResampler(): Promise<CreateResampler> {
  const speex = await load();
  return (format) => createResampler(speex, format);
}

function createResampler(speex: SpeexModule, format: ResamplerFormat): Resampler {
  const { inputRateHz, outputRateHz, channels } = format;
  const outputFramesMax = Math.ceil((INPUT_FRAMES_MAX * outputRateHz) / inputRateHz) + 16;
  const lengths = speex._malloc(12);
  const input = speex._malloc(INPUT_FRAMES_MAX * channels * BYTES_PER_SAMPLE);
  const output = speex._malloc(outputFramesMax * channels * BYTES_PER_SAMPLE);
  const state = speex._speex_resampler_init(channels, inputRateHz, outputRateHz, QUALITY, lengths + 8);
  let isClosed = false;
  const close = () => {
    if (isClosed) return;
    isClosed = true;
    if (state !== 0) speex._speex_resampler_destroy(state);
    for (const pointer of [lengths, input, output]) speex._free(pointer);
  };
  if (state === 0) {
    close();
    throw new RangeError(`cannot resample from ${inputRateHz} Hz to ${outputRateHz} Hz in ${channels} channels`);
  }
  // The filter's delay is silence at the beginning; skipping it keeps the length of what comes out exact.
  speex._speex_resampler_skip_zeros(state);

  function convert(samples: Int16Array): Int16Array {
    speex.HEAP16.set(samples, input / BYTES_PER_SAMPLE);
    speex.HEAPU32[lengths / 4] = samples.length / channels;
    speex.HEAPU32[lengths / 4 + 1] = outputFramesMax;
    speex._speex_resampler_process_interleaved_int(state, input, lengths, output, lengths + 4);
    const written = (speex.HEAPU32[lengths / 4 + 1] ?? 0) * channels;
    const start = output / BYTES_PER_SAMPLE;
    return speex.HEAP16.slice(start, start + written);
  }

  function process(samples: Int16Array): Int16Array {
    const step = INPUT_FRAMES_MAX * channels;
    if (samples.length <= step) return convert(samples);
    const parts: Int16Array[] = [];
    for (let at = 0; at < samples.length; at += step) parts.push(convert(samples.subarray(at, at + step)));
    const joined = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      joined.set(part, at);
      at += part.length;
    }
    return joined;
  }

  return {
    process,
    flush() {
      const tail = process(new Int16Array(speex._speex_resampler_get_input_latency(state) * channels));
      speex._speex_resampler_reset_mem(state);
      speex._speex_resampler_skip_zeros(state);
      return tail;
    },
    close,
  };
}
