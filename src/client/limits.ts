// Every bound of the client, in one place, with its unit. All can be set by `createBridgeClient({ limits })`.

export interface ClientLimits {
  /** JoinRoom. Above the bridge's own limit of 15 s, so that its answer arrives. */
  readonly joinTimeoutMs: number;
  /** The application's `join` callback, which fetches a token. */
  readonly joinTargetTimeoutMs: number;
  /** Until the connection to the bridge is open. */
  readonly connectTimeoutMs: number;
  /** LeaveRoom, StopAudio, GetStatus and HealthCheck. The bridge answers within 2 s. */
  readonly callTimeoutMs: number;
  /** From opening the stream to the bridge's acceptance of it. */
  readonly acceptTimeoutMs: number;
  /** An old bridge says nothing: its stream counts as accepted after this time without an error. */
  readonly assumedAcceptedAfterMs: number;
  readonly heartbeatIntervalMs: number;
  /** Without an echoed heartbeat for so long, the stream is lost. */
  readonly echoTimeoutMs: number;
  /** The upper bound of the first wait; doubled with each failure. The wait itself is drawn between 0 and the bound. */
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
  /** A stream that has been up for so long sets the backoff back to its base. So a user joins less than once a second, whatever a bridge does. */
  readonly stableAfterMs: number;
  /** When the channel comes back during a wait, clients spread their joins over this time. */
  readonly readySpreadMs: number;
  /** Microphone audio that waits for a slow reader of `audio()`; the oldest is dropped and counted. */
  readonly downlinkQueueMaxMs: number;
  /** Audio that waits to be sent to the room; more is refused and counted. */
  readonly uplinkQueueMaxMs: number;
  /** A playback from which nothing is heard for so long is reported as failed. The bridge reports each 0.5 s. */
  readonly playbackSilenceMaxMs: number;
  readonly playbackMaxMs: number;
}

export const DEFAULT_LIMITS: ClientLimits = {
  joinTimeoutMs: 18_000,
  joinTargetTimeoutMs: 10_000,
  connectTimeoutMs: 5_000,
  callTimeoutMs: 3_000,
  acceptTimeoutMs: 5_000,
  assumedAcceptedAfterMs: 500,
  heartbeatIntervalMs: 5_000,
  echoTimeoutMs: 10_000,
  backoffBaseMs: 2_000,
  backoffMaxMs: 30_000,
  stableAfterMs: 1_000,
  readySpreadMs: 400,
  downlinkQueueMaxMs: 2_000,
  uplinkQueueMaxMs: 10_000,
  playbackSilenceMaxMs: 60_000,
  playbackMaxMs: 7_500_000,
};
