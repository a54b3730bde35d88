// What handlers may do: send one event, or read a snapshot.

import type { AudioStats } from "../audio/audio-stats.js";
import type { PlaybackFailure } from "../machines/ports.js";
import type { SupervisorCounts, UserStatus } from "../machines/status.js";
import type { SupervisorEvent } from "../machines/supervisor-context.js";
import type { Clock } from "../time.js";

export interface Backend {
  readonly version: string;
  readonly clock: Clock;
  readonly limits: HandlerLimits;
  /** LIVEKIT_URL, for requests that name none. */
  readonly defaultLivekitUrl: string;
  /** Why an audio URL is refused before anything is fetched, if it is. */
  refuseAudioUrl(url: string): PlaybackFailure | undefined;
  /** Hands the event to the supervisor; when there is none any more, whoever waits for an answer gets one. */
  send(event: SupervisorEvent): void;
  status(userId: string): UserStatus;
  counts(): SupervisorCounts;
  /** Totals since the start, living sessions included. */
  stats(): AudioStats & { readonly replacements: number; readonly reaped: number; readonly crashes: number };
  eventLoopLagMs(): number;
  /** A handler has thrown; the caller has been told INTERNAL. */
  handlerFailed(rpc: string, error: unknown): void;
}

export interface HandlerLimits {
  readonly userIdLengthMax: number;
  readonly roomNameLengthMax: number;
  readonly requestIdLengthMax: number;
  /** Of a leave or a stop; what is longer is cut. */
  readonly reasonLengthMax: number;
  /** How long a StreamAudio call may wait before its first message. */
  readonly firstChunkTimeoutMs: number;
  /** An ended call whose peer does not take the end is reset after this. */
  readonly resetAfterMs: number;
  readonly sampleRateMinHz: number;
  readonly sampleRateMaxHz: number;
  readonly channelsMax: number;
}
