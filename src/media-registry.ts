// The data planes of all living sessions, and the sum of what the dead ones counted.

import { addAudioStats, createAudioStats } from "./audio/audio-stats.js";
import type { AudioStats } from "./audio/audio-stats.js";
import type { DownlinkMeter } from "./audio/downlink-meter.js";
import type { CreateResampler } from "./audio/resampler.js";
import type { MediaLimits, MediaObserver } from "./audio/session-media.js";
import { SessionMedia } from "./audio/session-media.js";
import type { JoinRequest, SessionLabel } from "./machines/ports.js";
import type { QueueFigures } from "./telemetry/figures.js";
import type { Clock } from "./time.js";

export interface MediaParts {
  readonly limits: MediaLimits;
  readonly clock: Clock;
  readonly createResampler: CreateResampler;
  readonly meter: DownlinkMeter | undefined;
  readonly observe: (label: SessionLabel) => MediaObserver;
}

export interface MediaRegistry {
  create(label: SessionLabel, request: JoinRequest, fault: (error: unknown) => void): SessionMedia;
  closed(media: SessionMedia): void;
  total(): AudioStats;
  queues(): QueueFigures;
}

export function createMediaRegistry({ limits, clock, createResampler, meter, observe }: MediaParts): MediaRegistry {
  const living = new Set<SessionMedia>();
  const past = createAudioStats();
  const now = () => clock.now();
  return {
    create(label, { targetIdentity }, fault) {
      const observer = observe(label);
      const media = new SessionMedia({ targetIdentity, limits, createResampler, now, observer, meter, fault });
      living.add(media);
      return media;
    },
    closed(media) {
      if (living.delete(media)) addAudioStats(past, media.stats);
    },
    total() {
      const total = { ...past };
      for (const media of living) addAudioStats(total, media.stats);
      return total;
    },
    queues() {
      let downlinkPackets = 0;
      let uplinkLongestMs = 0;
      for (const media of living) {
        downlinkPackets += media.queueLength;
        uplinkLongestMs = Math.max(uplinkLongestMs, media.uplinkQueuedMs);
      }
      return { downlinkPackets, uplinkLongestMs };
    },
  };
}
