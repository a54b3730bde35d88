// Sound that can be timed: short tones between silences, so that whoever hears one knows which it was.

import type { BridgeClient } from "../../src/client/bridge-client.js";
import { monotonicMs } from "./monotonic.js";
import { pace } from "./pace.js";

export interface SoundPlan {
  readonly seconds: number;
  /** From one tone to the next. */
  readonly everyMs: number;
  /** Which users, by number. */
  readonly users: readonly number[];
}

export interface SentSound {
  readonly user: number;
  readonly sentAtMs: number;
}

export interface PlayedSound extends SentSound {
  /** From the call, in milliseconds. */
  readonly startedMs: number;
  readonly completedMs: number;
  /** Empty for a play that completed. */
  readonly error: string;
}

/** What a cloud that spoke or played has to tell of itself. */
export interface Spoke {
  readonly sent: readonly SentSound[];
  readonly lateMs: Float64Array;
  /** Chunks that the client did not take. */
  readonly refused: number;
}

export const DIRECT_TRACK = "direct";
export const BURST_MS = 200;
export const CLIP_MS = 500;
const CHUNK_MS = 20;
const UPLINK_RATE_HZ = 16_000;
/** Whole periods in 10 ms, so that a frame may follow itself. */
const TONE_HZ = 500;

export function fillWithTone(rateHz: number, samples: Int16Array): void {
  for (let index = 0; index < samples.length; index += 1) {
    samples[index] = 16_000 * Math.sin((2 * Math.PI * TONE_HZ * index) / rateHz);
  }
}

/** Streams without a pause: a tone at the beginning of every interval, silence for the rest of it. */
export async function speakBursts(
  speakers: readonly { user: number; client: BridgeClient }[],
  { seconds, everyMs }: SoundPlan,
): Promise<Spoke> {
  const sent: SentSound[] = [];
  let refused = 0;
  const tone = new Int16Array((UPLINK_RATE_HZ * CHUNK_MS) / 1000);
  fillWithTone(UPLINK_RATE_HZ, tone);
  const silence = new Int16Array(tone.length);
  const perInterval = Math.round(everyMs / CHUNK_MS);
  const gapMs = CHUNK_MS / Math.max(1, speakers.length);
  const count = Math.round((seconds * 1000) / CHUNK_MS) * speakers.length;
  const send = (index: number): void => {
    const speaker = speakers[index % speakers.length];
    if (!speaker) return;
    const inInterval = Math.floor(index / speakers.length) % perInterval;
    if (inInterval === 0) sent.push({ user: speaker.user, sentAtMs: monotonicMs() });
    const samples = inInterval < BURST_MS / CHUNK_MS ? tone : silence;
    if (!speaker.client.send(Buffer.from(samples.buffer))) refused += 1;
  };
  const lateMs = await pace({ startMs: monotonicMs(), gapMs, count, send });
  return { sent, lateMs, refused };
}

export async function playOnce(client: BridgeClient, user: number, url: string): Promise<PlayedSound> {
  const sentAtMs = monotonicMs();
  let [startedMs, completedMs, error] = [Number.NaN, Number.NaN, ""];
  try {
    for await (const event of client.play({ url })) {
      if (event.type === "STARTED") startedMs = monotonicMs() - sentAtMs;
      if (event.type === "COMPLETED") completedMs = monotonicMs() - sentAtMs;
      if (event.type === "FAILED") ({ error } = event);
    }
  } catch (thrown) {
    error = thrown instanceof Error ? thrown.message : String(thrown);
  }
  return { user, sentAtMs, startedMs, completedMs, error };
}

/** Where tones begin in what is heard. A pause shorter than this belongs to the tone. */
const PAUSE_MS = 100;
const LOUD = 0.05;

export class OnsetWatch {
  readonly onsetsMs: number[] = [];
  heardMs = 0;
  #lastLoudMs = Number.NEGATIVE_INFINITY;

  frame(samples: Int16Array, durationMs: number, atMs: number): void {
    let power = 0;
    for (const sample of samples) power += sample * sample;
    if (Math.sqrt(power / Math.max(1, samples.length)) / 32_768 < LOUD) return;
    if (atMs - this.#lastLoudMs > PAUSE_MS) this.onsetsMs.push(atMs);
    this.#lastLoudMs = atMs;
    this.heardMs += durationMs;
  }
}

/** For each tone sent, how long until it was heard; `lost` are those that nobody heard before the next was due. */
export function matchOnsets(
  sentAtMs: readonly number[],
  onsetsMs: readonly number[],
  withinMs: number,
): { latenciesMs: number[]; lost: number } {
  const latenciesMs = sentAtMs.flatMap((sentMs) => {
    const onset = onsetsMs.find((onsetMs) => onsetMs >= sentMs && onsetMs < sentMs + withinMs);
    return onset === undefined ? [] : [onset - sentMs];
  });
  return { latenciesMs, lost: sentAtMs.length - latenciesMs.length };
}
