// A session's data plane as the bridge makes it, without room and without gRPC.

import type { DownlinkMeter } from "../../src/audio/downlink-meter.js";
import type { CreateResampler } from "../../src/audio/resampler.js";
import type { MediaLimits } from "../../src/audio/session-media.js";
import { SessionMedia } from "../../src/audio/session-media.js";
import { systemClock } from "../../src/time.js";

export const MEDIA_LIMITS: MediaLimits = {
  downlinkQueue: { packetsMax: 200, bytesMax: 262_144 },
  keptMaxMs: 1000,
  uplinkQueueMaxMs: 10_000,
  tracksMax: 16,
  trackRetryAfterMs: 5000,
  trackFormat: { sampleRateHz: 48_000, channels: 1 },
};

export interface MediaParts {
  readonly createResampler?: CreateResampler;
  readonly meter?: DownlinkMeter;
}

export function createMedia({ createResampler, meter }: MediaParts = {}): SessionMedia {
  return new SessionMedia({
    targetIdentity: "alice",
    limits: MEDIA_LIMITS,
    createResampler:
      createResampler ??
      (() => {
        throw new Error("nothing is played here");
      }),
    now: () => systemClock.now(),
    observer: { overflowed() {}, packets() {}, publishFailed() {} },
    fault: (error) => {
      throw error;
    },
    ...(meter ? { meter } : {}),
  });
}

export function chunk(pcm_data: Uint8Array) {
  return { pcm_data, sample_rate: 16_000, channels: 1, timestamp_ms: systemClock.wallNow(), user_id: "", track_id: 0 };
}
