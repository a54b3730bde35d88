// Every figure a number of its own: a metric that reads its neighbour's is found out.

import { expect, test } from "vitest";
import { createAudioStats } from "../../src/audio/audio-stats.js";
import { DownlinkMeter } from "../../src/audio/downlink-meter.js";
import type { RpcStats } from "../../src/grpc/rpc-stats.js";
import { Histogram } from "../../src/histogram.js";
import type { EndReason } from "../../src/machines/ports.js";
import { addBridgeMetrics } from "../../src/telemetry/bridge-metrics.js";
import type { Figures, FigureSources } from "../../src/telemetry/figures.js";
import { MetricTable } from "../../src/telemetry/metric-table.js";
import { addRpcMetrics, CODE_NAMES } from "../../src/telemetry/rpc-metrics.js";
import { parseExposition } from "./exposition.js";

const REASONS = ["left", "replaced", "zombie", "drain"] as const satisfies EndReason[];

let last = 100;
const next = () => (last += 1);
const audio = createAudioStats();
for (const key of Object.keys(audio) as (keyof typeof audio)[]) audio[key] = next();

const figures: Figures = {
  counts: {
    sessions: 1000,
    connected: 600,
    reconnecting: 300,
    closing: next(),
    streams: next(),
    playbacks: next(),
    silent: next(),
    isDraining: false,
  },
  stats: {
    ...audio,
    joins: next(),
    joinFailures: next(),
    joinsAbandoned: next(),
    replacements: next(),
    reaped: next(),
    crashes: next(),
    reconnects: next(),
    refusals: next(),
    playbacksRequested: next(),
    playbacksCompleted: next(),
    playbacksFailed: next(),
    playbacksStopped: next(),
    closedBy: Object.fromEntries(REASONS.map((reason) => [reason, next()])),
  },
  queues: { downlinkPackets: next(), uplinkLongestMs: next() * 1000 },
  longestDownlinkQueuePackets: next(),
  isReady: true,
  eventLoopLagMs: next() * 1000,
  eventLoopStalls: next(),
};

function sources(rpcs: readonly RpcStats[]): FigureSources {
  const durations = { joinsS: filled(1, 2), playbackStartsS: filled(1, 2, 3) };
  const meter = new DownlinkMeter();
  for (let i = 0; i < 4; i += 1) meter.sent(250);
  return { version: "1.2.3", engine: "test", sessionsMax: 7, rpcs, durations, meter, look: () => figures };
}

function filled(...values: number[]): Histogram {
  const histogram = new Histogram([1, 2]);
  for (const value of values) histogram.observe(value);
  return histogram;
}

type Expected = [name: string, value: number, labels?: Record<string, string>];

test("every metric of the bridge shows the figure it is named after", async () => {
  const table = new MetricTable(() => figures);
  addBridgeMetrics(table, sources([]));
  const scraped = parseExposition(await table.scrape());
  const { counts, stats, queues } = figures;
  const expected: Expected[] = [
    ["build_info", 1, { version: "1.2.3", engine: "test" }],
    ["ready", 1],
    ["event_loop_lag_seconds", figures.eventLoopLagMs / 1000],
    ["event_loop_stalls_total", figures.eventLoopStalls],
    ["active_sessions", 1000],
    ["sessions_limit", 7],
    ["active_streams", counts.streams],
    ["sessions", 100, { state: "joining" }],
    ["sessions", 600, { state: "connected" }],
    ["sessions", 300, { state: "reconnecting" }],
    ["sessions", counts.closing, { state: "closing" }],
    ["silent_sessions", counts.silent],
    ["joins_total", stats.joins, { outcome: "succeeded" }],
    ["joins_total", stats.joinFailures, { outcome: "failed" }],
    ["joins_total", stats.joinsAbandoned, { outcome: "abandoned" }],
    ["joins_total", stats.refusals, { outcome: "refused" }],
    ["join_seconds_count", 2],
    ["replacements_total", stats.replacements],
    ...REASONS.map((reason): Expected => ["teardowns_total", stats.closedBy[reason] ?? 0, { reason }]),
    ["teardowns_total", 0, { reason: "inactivity" }],
    ["reaped_total", stats.reaped],
    ["reconnects_total", stats.reconnects],
    ["crashes_total", stats.crashes],
    ["active_playbacks", counts.playbacks],
    ["playbacks_total", stats.playbacksCompleted, { outcome: "completed" }],
    ["playbacks_total", stats.playbacksFailed, { outcome: "failed" }],
    ["playbacks_total", stats.playbacksStopped, { outcome: "stopped" }],
    ["playback_start_seconds_count", 3],
    ["downlink_received_packets_total", stats.packetsIn],
    ["downlink_received_bytes_total", stats.bytesIn],
    ["downlink_sent_packets_total", stats.packetsOut],
    ["downlink_sent_bytes_total", stats.bytesOut],
    ["downlink_dropped_packets_total", stats.packetsDropped],
    ["downlink_dropped_bytes_total", stats.bytesDropped],
    ["downlink_expired_packets_total", stats.packetsExpired],
    ["downlink_expired_bytes_total", stats.bytesExpired],
    ["downlink_lost_packets_total", stats.packetsLost],
    ["downlink_reordered_packets_total", stats.packetsReordered],
    ["downlink_foreign_packets_total", stats.packetsForeign],
    ["downlink_delay_seconds_count", 4],
    ["downlink_delay_seconds_sum", 1],
    ["downlink_queue_packets", queues.downlinkPackets],
    ["downlink_queue_longest_packets", figures.longestDownlinkQueuePackets],
    ["uplink_received_packets_total", stats.uplinkPacketsIn],
    ["uplink_received_bytes_total", stats.uplinkBytesIn],
    ["uplink_dropped_bytes_total", stats.uplinkBytesDropped],
    ["uplink_heartbeats_total", stats.heartbeatsIn],
    ["uplink_queue_longest_seconds", queues.uplinkLongestMs / 1000],
  ];
  for (const [name, value, labels] of expected) {
    expect([name, labels, scraped.value(`bridge_${name}`, labels)]).toEqual([name, labels, value]);
  }
  const families = new Set(expected.map(([name]) => `bridge_${name.replace(/_(?:count|sum)$/, "")}`));
  expect([...families].toSorted()).toEqual([...scraped.families.keys()].toSorted());
});

test("every figure of a call is shown under its name, type and status", async () => {
  const handled = CODE_NAMES.map(() => next());
  const handlingS = filled(1, 1, 2, 5);
  const rpc: RpcStats = {
    service: "a.Service",
    method: "Call",
    type: "unary",
    started: next(),
    messagesReceived: next(),
    messagesSent: next(),
    handled,
    handlingS,
  };
  const table = new MetricTable(() => ({}));
  addRpcMetrics(table, [rpc]);
  const scraped = parseExposition(await table.scrape());
  const labels = { grpc_type: "unary", grpc_service: "a.Service", grpc_method: "Call" };
  const value = (name: string, more = {}) => scraped.value(`grpc_server_${name}`, { ...labels, ...more });
  expect(value("started_total")).toBe(rpc.started);
  expect(value("msg_received_total")).toBe(rpc.messagesReceived);
  expect(value("msg_sent_total")).toBe(rpc.messagesSent);
  expect(CODE_NAMES.map((grpc_code) => value("handled_total", { grpc_code }))).toEqual(handled);
  expect(["1", "2", "+Inf"].map((le) => value("handling_seconds_bucket", { le }))).toEqual([2, 3, 4]);
  expect([value("handling_seconds_sum"), value("handling_seconds_count")]).toEqual([9, 4]);
});
