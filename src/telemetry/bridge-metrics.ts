// What the bridge tells of itself: sessions, audio, playbacks. Every name is explained in docs/metrics.md; a test holds the two
// together. No label has a user, a room or anything else that there is more of with time.

import type { EndReason } from "../machines/ports.js";
import type { FigureSources, Figures } from "./figures.js";
import type { MetricTable, Sample } from "./metric-table.js";

/** Every reason, so that a series exists before its first session ends: an alert on growth needs the zero before it. */
const END_REASONS: Readonly<Record<EndReason, true>> = {
  left: true,
  replaced: true,
  cancelled: true,
  stream_error: true,
  send_timeout: true,
  inactivity: true,
  zombie: true,
  duplicate_identity: true,
  participant_removed: true,
  room_deleted: true,
  server_shutdown: true,
  connection_lost: true,
  drain: true,
  join_failed: true,
  internal_error: true,
};

export function addBridgeMetrics(table: MetricTable<Figures>, sources: FigureSources): void {
  addProcessState(table, sources);
  addSessions(table, sources);
  addPlaybacks(table, sources);
  addDownlink(table, sources);
  addUplink(table);
}

function addProcessState(table: MetricTable<Figures>, { version, engine }: FigureSources): void {
  table.labelledGauge(
    "bridge_build_info",
    "Version and engine of this bridge; always 1.",
    ["version", "engine"],
    () => [{ labels: { version, engine }, value: 1 }],
  );
  table.gauge("bridge_ready", "1 while work may be sent here, as /readyz says; else 0.", ({ isReady }) =>
    Number(isReady),
  );
  table.gauge(
    "bridge_event_loop_lag_seconds",
    "Longest delay of the event loop in the last minute.",
    ({ eventLoopLagMs }) => eventLoopLagMs / 1000,
  );
  table.counter(
    "bridge_event_loop_stalls_total",
    "Times the event loop did not answer for a second or longer.",
    ({ eventLoopStalls }) => eventLoopStalls,
  );
}

function addSessions(table: MetricTable<Figures>, { sessionsMax, durations }: FigureSources): void {
  table.gauge(
    "bridge_active_sessions",
    "Users with a session, joining ones included.",
    ({ counts }) => counts.sessions,
  );
  table.gauge("bridge_sessions_limit", "Users that may have a session at once.", () => sessionsMax);
  table.gauge("bridge_active_streams", "Attached StreamAudio calls.", ({ counts }) => counts.streams);
  table.labelledGauge("bridge_sessions", "Sessions by state.", ["state"], sessionsByState);
  table.gauge(
    "bridge_silent_sessions",
    "Connected sessions whose user has sent no audio for ten seconds.",
    ({ counts }) => counts.silent,
  );
  table.labelledCounter("bridge_joins_total", "Joins by how they ended.", ["outcome"], ({ stats }) =>
    byLabel("outcome", {
      succeeded: stats.joins,
      failed: stats.joinFailures,
      abandoned: stats.joinsAbandoned,
      refused: stats.refusals,
    }),
  );
  table.histogram("bridge_join_seconds", "From JoinRoom to its success.", () => durations.joinsS);
  table.counter("bridge_replacements_total", "Sessions that a newer join replaced.", ({ stats }) => stats.replacements);
  table.labelledCounter("bridge_teardowns_total", "Sessions that ended, by reason.", ["reason"], ({ stats }) => {
    const reasons = Object.keys(END_REASONS) as EndReason[];
    return reasons.map((reason) => ({ labels: { reason }, value: stats.closedBy[reason] ?? 0 }));
  });
  table.counter(
    "bridge_reaped_total",
    "Sessions that ended because nobody used them any more.",
    ({ stats }) => stats.reaped,
  );
  table.counter("bridge_reconnects_total", "Rooms whose transport was lost.", ({ stats }) => stats.reconnects);
  table.counter(
    "bridge_crashes_total",
    "Faults of the bridge, each kept in its session.",
    ({ stats }) => stats.crashes,
  );
}

function sessionsByState({ counts }: Figures): Sample[] {
  const { sessions, connected, reconnecting, closing } = counts;
  const joining = Math.max(0, sessions - connected - reconnecting);
  return byLabel("state", { joining, connected, reconnecting, closing });
}

function addPlaybacks(table: MetricTable<Figures>, { durations }: FigureSources): void {
  table.gauge("bridge_active_playbacks", "Playbacks under way.", ({ counts }) => counts.playbacks);
  table.labelledCounter("bridge_playbacks_total", "Accepted playbacks by how they ended.", ["outcome"], ({ stats }) =>
    byLabel("outcome", {
      completed: stats.playbacksCompleted,
      failed: stats.playbacksFailed,
      stopped: stats.playbacksStopped,
    }),
  );
  table.histogram(
    "bridge_playback_start_seconds",
    "From PlayAudio to its first sound.",
    () => durations.playbackStartsS,
  );
}

function addDownlink(table: MetricTable<Figures>, { meter }: FigureSources): void {
  const count = (what: string, help: string, read: (stats: Figures["stats"]) => number) =>
    table.counter(`bridge_downlink_${what}_total`, help, ({ stats }) => read(stats));
  count("received_packets", "Microphone packets out of rooms.", (stats) => stats.packetsIn);
  count("received_bytes", "Microphone audio out of rooms.", (stats) => stats.bytesIn);
  count("sent_packets", "Microphone chunks written to streams.", (stats) => stats.packetsOut);
  count("sent_bytes", "Microphone audio written to streams.", (stats) => stats.bytesOut);
  count("dropped_packets", "Microphone packets lost to a full queue.", (stats) => stats.packetsDropped);
  count("dropped_bytes", "Microphone audio lost to a full queue.", (stats) => stats.bytesDropped);
  count("expired_packets", "Microphone packets that no stream came for in time.", (stats) => stats.packetsExpired);
  count("expired_bytes", "Microphone audio that no stream came for in time.", (stats) => stats.bytesExpired);
  count("lost_packets", "Microphone packets missing between phone and bridge.", (stats) => stats.packetsLost);
  count("reordered_packets", "Microphone packets that came late.", (stats) => stats.packetsReordered);
  count("foreign_packets", "Packets of somebody else than the user.", (stats) => stats.packetsForeign);
  table.histogram(
    "bridge_downlink_delay_seconds",
    "What the bridge adds: from a packet's arrival to its being written to gRPC.",
    () => meter.delaysS,
  );
  table.gauge(
    "bridge_downlink_queue_packets",
    "Microphone packets that wait now, of all sessions.",
    ({ queues }) => queues.downlinkPackets,
  );
  table.gauge(
    "bridge_downlink_queue_longest_packets",
    "Most packets that one session's queue held in the last minute.",
    ({ longestDownlinkQueuePackets }) => longestDownlinkQueuePackets,
  );
}

function addUplink(table: MetricTable<Figures>): void {
  const count = (what: string, help: string, read: (stats: Figures["stats"]) => number) =>
    table.counter(`bridge_uplink_${what}_total`, help, ({ stats }) => read(stats));
  count("received_packets", "Chunks with audio from streams.", (stats) => stats.uplinkPacketsIn);
  count("received_bytes", "Audio from streams.", (stats) => stats.uplinkBytesIn);
  count("dropped_bytes", "Audio from streams that was never played.", (stats) => stats.uplinkBytesDropped);
  count("heartbeats", "Empty chunks from streams.", (stats) => stats.heartbeatsIn);
  table.gauge(
    "bridge_uplink_queue_longest_seconds",
    "Audio that waits now on the fullest track.",
    ({ queues }) => queues.uplinkLongestMs / 1000,
  );
}

function byLabel(name: string, values: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(values).map(([label, value]) => ({ labels: { [name]: label }, value }));
}
