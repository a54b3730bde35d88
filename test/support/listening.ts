// What a phone hears of a track: where the sound begins and ends, how loud it is, and whether it was whole. Times are those
// of arrival at the phone, so whatever is measured includes Opus, the network and the jitter buffer; a control that goes
// the same way tells how much of it they are.

import { eventually } from "./eventually.js";
import type { HeardFrame, RtcParticipant } from "./rtc-participant.js";
import { joinFrames } from "./rtc-participant.js";
import { frequencyOf, level, shareAt } from "./tone.js";

const RATE_HZ = 48_000;
/** Root mean square above which a frame is sound; far below any tone of the tests, far above what Opus makes of silence. */
export const AUDIBLE = 0.004;
const WINDOW_MS = 5;

export interface Sound {
  /** Arrival of the first and of the last frame with sound. */
  readonly beganAtMs: number;
  readonly endedAtMs: number;
  /** From the first window with sound to the last. */
  readonly samples: Int16Array;
  readonly lengthMs: number;
  /** Longest stretch without sound inside. */
  readonly gapMs: number;
  readonly frequencyHz: number;
  /** Of its middle, 0 to 1 of full scale. */
  readonly level: number;
}

export interface WaitOptions {
  /** Silence that ends a sound. Default 300. */
  readonly quietMs?: number;
  /** Default 10,000. */
  readonly limitMs?: number;
}

/** What the phone's jitter buffers have done so far to match an uneven stream to an even clock, in milliseconds of sound. */
export interface Stretching {
  readonly addedMs: number;
  readonly removedMs: number;
}

/** Adds up all tracks. Between two calls: by how much a sound may have become longer or shorter on this side. */
export async function stretching(phone: RtcParticipant): Promise<Stretching> {
  const { publisherStats, subscriberStats } = await phone.room.getRtcStats();
  let added = 0n;
  let removed = 0n;
  for (const { stats } of [...publisherStats, ...subscriberStats]) {
    if (stats.case !== "inboundRtp" || !stats.value.inbound) continue;
    const { insertedSamplesForDeceleration, concealedSamples, removedSamplesForAcceleration } = stats.value.inbound;
    added += (insertedSamplesForDeceleration ?? 0n) + (concealedSamples ?? 0n);
    removed += removedSamplesForAcceleration ?? 0n;
  }
  return { addedMs: Number(added) / (RATE_HZ / 1000), removedMs: Number(removed) / (RATE_HZ / 1000) };
}

export function isAudible(frame: HeardFrame): boolean {
  return levelOf(frame) > AUDIBLE;
}

const levels = new WeakMap<HeardFrame, number>();

/** Remembered, since waiting asks for the same frames again and again. */
function levelOf(frame: HeardFrame): number {
  const known = levels.get(frame);
  if (known !== undefined) return known;
  const found = level(frame.samples);
  levels.set(frame, found);
  return found;
}

/** Arrival of the first sound since `sinceMs`. */
export async function firstSound(
  phone: RtcParticipant,
  track: string,
  sinceMs: number,
  limitMs = 5000,
): Promise<number> {
  let found: HeardFrame | undefined;
  await eventually(
    `sound on ${track}`,
    () => {
      found = framesSince(phone, track, sinceMs).find(isAudible);
      return found !== undefined;
    },
    limitMs,
  );
  return found?.atMs ?? Number.NaN;
}

/** Arrival of the last sound, once it has been followed by silence; `sinceMs` if there was none. */
export async function lastSound(
  phone: RtcParticipant,
  track: string,
  sinceMs: number,
  { quietMs = 300, limitMs = 10_000 }: WaitOptions = {},
): Promise<number> {
  let lastAtMs = sinceMs;
  await eventually(
    `silence on ${track}`,
    () => {
      const frames = framesSince(phone, track, sinceMs);
      lastAtMs = frames.findLast(isAudible)?.atMs ?? sinceMs;
      return (frames.at(-1)?.atMs ?? 0) >= lastAtMs + quietMs;
    },
    limitMs,
  );
  return lastAtMs;
}

/** Waits for a sound that begins after `sinceMs` and for the silence behind it. */
export async function wholeSound(
  phone: RtcParticipant,
  track: string,
  sinceMs: number,
  options: WaitOptions = {},
): Promise<Sound> {
  const beganAtMs = await firstSound(phone, track, sinceMs, options.limitMs);
  await lastSound(phone, track, beganAtMs, options);
  return soundSince(phone, track, sinceMs);
}

/** What has been heard since, trimmed to its first and last sound. */
export function soundSince(phone: RtcParticipant, track: string, sinceMs: number): Sound {
  const frames = framesSince(phone, track, sinceMs);
  const first = frames.findIndex(isAudible);
  const last = frames.findLastIndex(isAudible);
  const audible = first === -1 ? [] : frames.slice(first, last + 1);
  return {
    ...describeSound(joinFrames(audible)),
    beganAtMs: audible[0]?.atMs ?? 0,
    endedAtMs: audible.at(-1)?.atMs ?? 0,
  };
}

/** Frames since then, of 10 ms each, in which this tone is the loudest. */
export function framesOfTone(phone: RtcParticipant, track: string, sinceMs: number, frequencyHz: number): number {
  const isTone = (frame: HeardFrame) => isAudible(frame) && shareAt(frame.samples, frequencyHz) > 0.7;
  return framesSince(phone, track, sinceMs).filter(isTone).length;
}

export function describeSound(heard: Int16Array): Omit<Sound, "beganAtMs" | "endedAtMs"> {
  const loud = loudWindows(heard);
  const first = loud.indexOf(true);
  const last = loud.lastIndexOf(true);
  const length = (WINDOW_MS * RATE_HZ) / 1000;
  const samples = first === -1 ? new Int16Array(0) : heard.subarray(first * length, (last + 1) * length);
  const middle = samples.subarray(samples.length / 4, (samples.length * 3) / 4);
  return {
    samples,
    lengthMs: (samples.length * 1000) / RATE_HZ,
    gapMs: longestRun(loud.slice(first, last + 1), false) * WINDOW_MS,
    frequencyHz: frequencyOf(middle),
    level: level(middle),
  };
}

/** Ratio of two levels in decibels. */
export function decibels(heard: number, expected: number): number {
  return 20 * Math.log10(heard / expected);
}

/** Root mean square of a sine with this peak. */
export function levelOfSine(peak: number): number {
  return peak / Math.SQRT2;
}

function framesSince(phone: RtcParticipant, track: string, sinceMs: number): HeardFrame[] {
  return phone.frames(track).filter(({ atMs }) => atMs >= sinceMs);
}

function loudWindows(samples: Int16Array): boolean[] {
  const length = (WINDOW_MS * RATE_HZ) / 1000;
  return Array.from(
    { length: Math.floor(samples.length / length) },
    (_, index) => level(samples.subarray(index * length, (index + 1) * length)) > AUDIBLE,
  );
}

function longestRun(values: readonly boolean[], wanted: boolean): number {
  let longest = 0;
  let run = 0;
  for (const value of values) {
    run = value === wanted ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
}
