// The figures of a bridge at one moment. HealthCheck, GetStatus and metrics are told from the same objects.

import type { AudioStats } from "../audio/audio-stats.js";
import type { DownlinkMeter } from "../audio/downlink-meter.js";
import type { RpcStats } from "../grpc/rpc-stats.js";
import type { SupervisorCounts } from "../machines/status.js";
import type { SessionDurations, SessionTotals } from "./session-reports.js";

export interface Figures {
  readonly counts: SupervisorCounts;
  /** Totals since the start, living sessions included. */
  readonly stats: AudioStats & SessionTotals;
  readonly queues: QueueFigures;
  readonly longestDownlinkQueuePackets: number;
  readonly isReady: boolean;
  readonly eventLoopLagMs: number;
  readonly eventLoopStalls: number;
}

export interface QueueFigures {
  /** Microphone packets that wait, of all sessions. */
  readonly downlinkPackets: number;
  /** Uplink audio that waits on the fullest track. */
  readonly uplinkLongestMs: number;
}

/** What stays the same object for as long as the bridge lives. */
export interface FigureSources {
  readonly version: string;
  readonly engine: string;
  readonly sessionsMax: number;
  readonly rpcs: readonly RpcStats[];
  readonly durations: SessionDurations;
  readonly meter: DownlinkMeter;
  readonly look: () => Figures;
}
