// Runs the decoder as a consumer would, and watches what it does to its source and to the event loop.

import type { AudioFormatName, DecodedAudio, DecodeLimits } from "../../../src/audio/decode/decode.js";
import { DecodeError, decodeAudio } from "../../../src/audio/decode/decode.js";

export const limits: DecodeLimits = { audioMaxMs: 7_200_000, preambleMaxBytes: 300_000_000 };

export interface WholeAudio {
  readonly format: AudioFormatName;
  readonly sampleRateHz: number;
  readonly channels: number;
  readonly durationMs: number | undefined;
  readonly samples: Int16Array;
  readonly pieceMaxMs: number;
}

export type Bytes = Uint8Array | AsyncIterable<Uint8Array>;

export const streamOf = (bytes: Bytes) => (bytes instanceof Uint8Array ? inChunks(bytes, 65_536) : bytes);

export async function* inChunks(bytes: Uint8Array, ...sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? bytes.length;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

export const open = (bytes: Bytes, own: Partial<DecodeLimits> = {}, signal = new AbortController().signal) =>
  decodeAudio(streamOf(bytes), { ...limits, ...own }, signal);

export async function decodeAll(bytes: Bytes, own: Partial<DecodeLimits> = {}): Promise<WholeAudio> {
  return collect(await open(bytes, own));
}

export async function collect(audio: DecodedAudio): Promise<WholeAudio> {
  const { format, sampleRateHz, channels, durationMs } = audio;
  const pieces: Int16Array[] = [];
  for await (const piece of audio.samples) pieces.push(piece);
  const samples = new Int16Array(pieces.reduce((total, piece) => total + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    samples.set(piece, at);
    at += piece.length;
  }
  const longest = pieces.reduce((most, piece) => Math.max(most, piece.length), 0);
  return {
    format,
    sampleRateHz,
    channels,
    durationMs,
    samples,
    pieceMaxMs: (longest * 1000) / channels / sampleRateHz,
  };
}

/** The code and words of the DecodeError that decoding ends with. */
export async function refusal(bytes: Bytes, own: Partial<DecodeLimits> = {}): Promise<string> {
  try {
    await decodeAll(bytes, own);
  } catch (error) {
    if (error instanceof DecodeError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "played";
}

export const channelOf = ({ samples, channels }: WholeAudio, channel: number) =>
  samples.filter((_, index) => index % channels === channel);

/**
 * The longest time for which this process let nothing else run. Call the result to stop. A turn counts for no more than
 * the processor time that the process had in it: on a shared machine another process may have had the rest.
 */
export function watchLoop(): () => number {
  let [lastMs, lastCpuMs, longestMs] = [performance.now(), cpuMs(), 0];
  let isOn = true;
  const look = () => {
    const [nowMs, nowCpuMs] = [performance.now(), cpuMs()];
    longestMs = Math.max(longestMs, Math.min(nowMs - lastMs, nowCpuMs - lastCpuMs));
    [lastMs, lastCpuMs] = [nowMs, nowCpuMs];
  };
  const tick = () => {
    look();
    if (isOn) setImmediate(tick);
  };
  setImmediate(tick);
  return () => {
    isOn = false;
    look();
    return longestMs;
  };
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The longest block of a loop that does nothing but wait: what the machine adds to any block in the same run. */
export async function idleBlockMs(forMs: number): Promise<number> {
  const stop = watchLoop();
  await new Promise((resolve) => setTimeout(resolve, forMs));
  return stop();
}
