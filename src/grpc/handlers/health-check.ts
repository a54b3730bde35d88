import type { handleUnaryCall } from "@grpc/grpc-js";
import type { Backend } from "../backend.js";
import { SERVICE_NAME } from "../definition.js";
import type { HealthCheckRequest, HealthCheckResponse } from "../messages.js";

export function healthCheck(backend: Backend): handleUnaryCall<HealthCheckRequest, HealthCheckResponse> {
  return (call, callback) => {
    const { service } = call.request;
    const health = readHealth(backend);
    const isKnown = service === "" || service === SERVICE_NAME;
    callback(null, isKnown ? health : { ...health, status: "SERVICE_UNKNOWN" });
  };
}

/** What HealthCheck answers, for whoever asks by another way. */
export function readHealth(backend: Backend): HealthCheckResponse {
  const counts = backend.counts();
  return {
    status: counts.isDraining ? "NOT_SERVING" : "SERVING",
    active_sessions: counts.sessions,
    active_streams: counts.streams,
    uptime_seconds: Math.floor(process.uptime()),
    metadata: describe(backend),
  };
}

function describe(backend: Backend): Record<string, string> {
  const { playbacks, closing, connected, silent } = backend.counts();
  const stats = backend.stats();
  const numbers = {
    rss_mb: Math.round(process.memoryUsage.rss() / 1_048_576),
    playbacks,
    sessions_connected: connected,
    sessions_closing: closing,
    sessions_silent: silent,
    frames_received: stats.packetsIn,
    frames_sent: stats.packetsOut,
    frames_dropped: stats.packetsDropped,
    frames_lost: stats.packetsLost,
    frames_reordered: stats.packetsReordered,
    uplink_bytes: stats.uplinkBytesIn,
    uplink_bytes_dropped: stats.uplinkBytesDropped,
    replacements: stats.replacements,
    reaped: stats.reaped,
    crashes: stats.crashes,
    event_loop_lag_ms: Math.round(backend.eventLoopLagMs()),
  };
  const metadata: Record<string, string> = { version: backend.version };
  for (const [name, value] of Object.entries(numbers)) metadata[name] = String(value);
  return metadata;
}
