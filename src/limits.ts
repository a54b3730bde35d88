// The configuration, as the limits each part takes.

import type { DecodeLimits } from "./audio/decode/decode.js";
import type { FetchLimits } from "./audio/fetch/open-url.js";
import type { MediaLimits } from "./audio/session-media.js";
import type { Config } from "./config.js";
import type { HandlerLimits } from "./grpc/backend.js";
import type { GrpcServerConfig } from "./grpc/server.js";
import type { SupervisorLimits } from "./machines/limits.js";

/** Once every room is left, streams end and the process exits within this. */
export const RELEASE_TIMEOUT_MS = 300;

export function supervisorLimits(config: Config): SupervisorLimits {
  return {
    sessionsMax: config.BRIDGE_SESSIONS_MAX,
    drainTimeoutMs: config.BRIDGE_DRAIN_TIMEOUT_MS,
    releaseTimeoutMs: RELEASE_TIMEOUT_MS,
    disconnectsRememberedMax: config.BRIDGE_DISCONNECTS_REMEMBERED_MAX,
    disconnectsRememberedMs: config.BRIDGE_DISCONNECTS_REMEMBERED_MS,
    session: {
      joinTimeoutMs: config.BRIDGE_JOIN_TIMEOUT_MS,
      predecessorTimeoutMs: config.BRIDGE_PREDECESSOR_TIMEOUT_MS,
      zombieTimeoutMs: config.BRIDGE_ZOMBIE_TIMEOUT_MS,
      inactivityTimeoutMs: config.BRIDGE_INACTIVITY_TIMEOUT_MS,
      reconnectTimeoutMs: config.BRIDGE_RECONNECT_TIMEOUT_MS,
      roomCloseTimeoutMs: config.BRIDGE_ROOM_CLOSE_TIMEOUT_MS,
      leaveReplyTimeoutMs: config.BRIDGE_LEAVE_REPLY_TIMEOUT_MS,
      // The supervisor releases everybody at its own limit; this is the net beneath it.
      drainHoldTimeoutMs: config.BRIDGE_DRAIN_TIMEOUT_MS + 1000,
      playbacksMax: config.BRIDGE_PLAYBACKS_MAX,
    },
  };
}

export function mediaLimits(config: Config): MediaLimits {
  return {
    downlinkQueue: {
      packetsMax: config.BRIDGE_DOWNLINK_QUEUE_PACKETS_MAX,
      bytesMax: config.BRIDGE_DOWNLINK_QUEUE_BYTES_MAX,
    },
    keptMaxMs: config.BRIDGE_DOWNLINK_KEPT_MS,
    uplinkQueueMaxMs: config.BRIDGE_UPLINK_QUEUE_MS,
    tracksMax: config.BRIDGE_TRACKS_MAX,
    trackRetryAfterMs: config.BRIDGE_TRACK_RETRY_MS,
    trackFormat: { sampleRateHz: 48_000, channels: config.BRIDGE_TRACK_CHANNELS === 2 ? 2 : 1 },
  };
}

export function fetchLimits(config: Config): FetchLimits {
  return {
    redirectsMax: config.BRIDGE_AUDIO_REDIRECTS_MAX,
    connectTimeoutMs: config.BRIDGE_AUDIO_CONNECT_TIMEOUT_MS,
    firstByteTimeoutMs: config.BRIDGE_AUDIO_FIRST_BYTE_TIMEOUT_MS,
    stallTimeoutMs: config.BRIDGE_AUDIO_STALL_TIMEOUT_MS,
    minimumBytesPerSecond: config.BRIDGE_AUDIO_BYTES_PER_SECOND_MIN,
    sizeMaxBytes: config.BRIDGE_AUDIO_SIZE_MAX_BYTES,
  };
}

export function decodeLimits(config: Config): DecodeLimits {
  return {
    audioMaxMs: config.BRIDGE_AUDIO_DURATION_MAX_MS,
    preambleMaxBytes: config.BRIDGE_AUDIO_PREAMBLE_MAX_BYTES,
  };
}

export function handlerLimits(config: Config): HandlerLimits {
  return {
    userIdLengthMax: 256,
    roomNameLengthMax: 256,
    requestIdLengthMax: 128,
    reasonLengthMax: 256,
    firstChunkTimeoutMs: config.BRIDGE_FIRST_CHUNK_TIMEOUT_MS,
    resetAfterMs: config.BRIDGE_RESET_AFTER_MS,
    sampleRateMinHz: 8000,
    sampleRateMaxHz: 192_000,
    channelsMax: 8,
  };
}

export function grpcServerConfig(config: Config): GrpcServerConfig {
  return {
    listen: {
      socketPath: config.LIVEKIT_GRPC_SOCKET,
      socketMode: Number.parseInt(config.LIVEKIT_GRPC_SOCKET_MODE, 8),
      host: config.BRIDGE_HOST,
      port: config.PORT,
    },
    messageMaxBytes: config.BRIDGE_MESSAGE_MAX_BYTES,
    keepaliveTimeMs: config.BRIDGE_KEEPALIVE_TIME_MS,
    keepaliveTimeoutMs: config.BRIDGE_KEEPALIVE_TIMEOUT_MS,
    concurrentStreamsMax: config.BRIDGE_CONCURRENT_STREAMS_MAX,
  };
}
