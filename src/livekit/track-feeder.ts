// Pulls a source on the pacer's beat and hands full frames to an engine. A source that runs dry gets a tail of silence,
// so that receivers' jitter buffers end calmly, and then costs nothing until it wakes.

import type { Pacer } from "./pacer.js";
import type { FrameSource, TrackFormat } from "./room.js";

export interface TrackFeederOptions {
  readonly pacer: Pacer;
  readonly format: TrackFormat;
  readonly source: FrameSource;
  /** Takes one frame of exactly `pacer.intervalMs`, and when it is due. The array is reused for the next beat. Must not throw. */
  readonly emit: (frame: Int16Array, atMs: number) => void;
  /** Silence sent after the last sample, in milliseconds. */
  readonly silenceTailMs: number;
}

export interface TrackFeeder {
  /** Begins to pull. Until then `wake` only marks. */
  start(): void;
  wake(): void;
  stop(): void;
}

export function createTrackFeeder(options: TrackFeederOptions): TrackFeeder {
  const { pacer, format, source, emit, silenceTailMs } = options;
  const samples = (format.sampleRateHz / 1000) * pacer.intervalMs * format.channels;
  const frame = new Int16Array(samples);
  const tailBeats = Math.ceil(silenceTailMs / pacer.intervalMs);
  let state: "held" | "running" | "stopped" = "held";
  let silentBeats = 0;

  const member = {
    tick(atMs: number): void {
      const filled = source.read(frame);
      // The source may have closed its own track while it was asked.
      if (state === "stopped") return;
      if (filled > 0) silentBeats = 0;
      else if (++silentBeats > tailBeats) {
        pacer.remove(member);
        return;
      }
      if (filled < samples) frame.fill(0, filled);
      emit(frame, atMs);
    },
  };

  function wake(): void {
    if (state !== "running") return;
    silentBeats = 0;
    pacer.add(member);
  }

  return {
    start() {
      if (state !== "held") return;
      state = "running";
      wake();
    },
    wake,
    stop() {
      state = "stopped";
      pacer.remove(member);
    },
  };
}
