// A beat of the pacer that all playing tracks of a process share, by their number. The base is one track.

import { createPacer } from "../../src/livekit/pacer.js";
import { createTrackFeeder } from "../../src/livekit/track-feeder.js";
import type { Clock } from "../../src/time.js";
import type { Comparison } from "./rounds.js";
import { compare, cpuNsPerUnit } from "./rounds.js";

const BEATS = 500;
const FORMAT = { sampleRateHz: 48_000, channels: 1 } as const;

export async function pacer(rounds: number): Promise<Comparison[]> {
  const variants = [1, 1, 10, 100].map((tracks, at) => {
    const beat = beatOf(tracks);
    const name = at === 1 ? "control: the same again" : `${tracks} ${tracks === 1 ? "track" : "tracks"}`;
    const run = () =>
      cpuNsPerUnit(BEATS * tracks, () => {
        for (let i = 0; i < BEATS; i += 1) beat();
      });
    return { name, run };
  });
  const title = "a beat of 10 ms: one frame pulled for each track that plays";
  return [await compare({ title, unit: "track and beat", rounds }, variants)];
}

/** A pacer on a clock that this beats by hand. */
function beatOf(tracks: number): () => void {
  let nowMs = 0;
  let due: (() => void) | undefined;
  const clock: Clock = {
    now: () => nowMs,
    wallNow: () => nowMs,
    setTimeout: (handler) => (due = handler),
    clearTimeout: () => (due = undefined),
  };
  const shared = createPacer(clock, 10);
  for (let i = 0; i < tracks; i += 1) {
    const source = { read: (frame: Int16Array) => frame.length };
    createTrackFeeder({ pacer: shared, format: FORMAT, source, emit: () => {}, silenceTailMs: 200 }).start();
  }
  return () => {
    nowMs += 10;
    const handler = due;
    due = undefined;
    handler?.();
  };
}
