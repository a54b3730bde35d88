// What happens to sessions, logged in the words that people search for, and counted.

import type { AudioStats } from "../audio/audio-stats.js";
import type { MediaObserver } from "../audio/session-media.js";
import { Histogram } from "../histogram.js";
import type { EndReason, PlaybackRequest, SessionEnd, SessionLabel, SessionObserver } from "../machines/ports.js";
import type { Clock } from "../time.js";
import type { Logger } from "./logger.js";

export interface SessionTotals {
  joins: number;
  joinFailures: number;
  /** Overtaken by a newer join, a leave or their caller. */
  joinsAbandoned: number;
  replacements: number;
  /** Ended for silence or for want of a stream. */
  reaped: number;
  /** Sessions in which something threw. */
  crashes: number;
  reconnects: number;
  refusals: number;
  playbacksRequested: number;
  playbacksCompleted: number;
  playbacksFailed: number;
  /** Stopped, interrupted, or gone with their session or caller. */
  playbacksStopped: number;
  closedBy: Partial<Record<EndReason, number>>;
}

/** How long things took that happen a few times for each user. */
export interface SessionDurations {
  /** From JoinRoom to its success. */
  readonly joinsS: Histogram;
  /** From PlayAudio to its first sound on the way into the room. */
  readonly playbackStartsS: Histogram;
}

export interface SessionReports {
  readonly totals: SessionTotals;
  readonly durations: SessionDurations;
  readonly observer: SessionObserver;
  mediaObserver(label: SessionLabel): MediaObserver;
}

const JOIN_BOUNDS_S = [0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 15];
const PLAYBACK_START_BOUNDS_S = [0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 15];
/** Drops are told once, then at most this often. */
const DROP_REPORT_EVERY_MS = 5000;
const REAPED: ReadonlySet<EndReason> = new Set(["zombie", "inactivity"]);
/** Ends that nobody asked for: worth a warning. */
const UNWANTED: ReadonlySet<EndReason> = new Set([
  "stream_error",
  "send_timeout",
  "inactivity",
  "zombie",
  "server_shutdown",
  "connection_lost",
]);

export function createSessionReports(logger: Logger, clock: Clock, inactivityTimeoutMs: number): SessionReports {
  const totals: SessionTotals = {
    joins: 0,
    joinFailures: 0,
    joinsAbandoned: 0,
    replacements: 0,
    reaped: 0,
    crashes: 0,
    reconnects: 0,
    refusals: 0,
    playbacksRequested: 0,
    playbacksCompleted: 0,
    playbacksFailed: 0,
    playbacksStopped: 0,
    closedBy: {},
  };
  const durations = { joinsS: new Histogram(JOIN_BOUNDS_S), playbackStartsS: new Histogram(PLAYBACK_START_BOUNDS_S) };
  return {
    totals,
    durations,
    observer: {
      ...createSessionObserver(logger, totals, durations.joinsS, inactivityTimeoutMs / 1000),
      ...createPlaybackObserver(logger, totals, durations.playbackStartsS, clock),
    },
    mediaObserver: (label) => createMediaObserver(logger, clock, label),
  };
}

function createSessionObserver(
  logger: Logger,
  totals: SessionTotals,
  joinsS: Histogram,
  inactivityS: number,
): Omit<SessionObserver, keyof PlaybackObserver> {
  return {
    replacing(label) {
      totals.replacements += 1;
      const fields = { ...fieldsOf(label), user_id: label.userId, reason: "new_join_request" };
      logger.info(fields, "Replacing existing bridge session");
    },
    joined(label, { participantId, participantCount }, durationMs) {
      totals.joins += 1;
      joinsS.observe(durationMs / 1000);
      const ms = Math.round(durationMs);
      const fields = { room: label.roomName, participant: participantId, count: participantCount, ms };
      logger.info({ ...fieldsOf(label), ...fields }, "Successfully joined room");
    },
    joinFailed(label, end) {
      const fields = { ...fieldsOf(label), room: label.roomName, error: end.message, reason: end.reason };
      // A join that its own user has overtaken is no failure.
      if (end.reason !== "join_failed" && end.reason !== "internal_error") {
        totals.joinsAbandoned += 1;
        logger.info(fields, "JoinRoom abandoned");
        return;
      }
      totals.joinFailures += 1;
      logger.error(fields, "Failed to connect to LiveKit room");
    },
    streamStarted(label, attachment) {
      logger.info({ ...fieldsOf(label), attachment }, "StreamAudio started");
    },
    streamEnded(label, attachment, end) {
      const fields = { ...fieldsOf(label), attachment, status: end.status, reason: end.reason };
      logger.info(fields, `StreamAudio context done: userId=${label.userId}`);
    },
    reconnecting(label) {
      totals.reconnects += 1;
      logger.warn(fieldsOf(label), "LiveKit room reconnecting");
    },
    reconnected(label) {
      logger.info(fieldsOf(label), "LiveKit room reconnected");
    },
    closing(label, end) {
      totals.closedBy[end.reason] = (totals.closedBy[end.reason] ?? 0) + 1;
      if (REAPED.has(end.reason)) totals.reaped += 1;
      reportCause(logger, label, end, inactivityS);
      const fields = { ...fieldsOf(label), reason: end.reason, detail: end.message };
      if (UNWANTED.has(end.reason)) logger.warn(fields, "Closing room session");
      else logger.info(fields, "Closing room session");
    },
    closed(label, end) {
      logger.debug({ ...fieldsOf(label), reason: end.reason }, "Room session closed");
    },
    crashed(label, error) {
      totals.crashes += 1;
      logger.error({ ...fieldsOf(label), error }, "Session crashed");
    },
    refused(userId, message) {
      totals.refusals += 1;
      logger.warn({ userId, error: message }, "JoinRoom refused");
    },
  };
}

type PlaybackObserver = Pick<SessionObserver, "playbackRequested" | "playbackBegan" | "playbackEnded">;

function createPlaybackObserver(
  logger: Logger,
  totals: SessionTotals,
  startsS: Histogram,
  clock: Clock,
): PlaybackObserver {
  const requestedAtMs = new WeakMap<PlaybackRequest, number>();
  const fieldsFor = (label: SessionLabel, { requestId, trackId, url }: PlaybackRequest) => ({
    ...fieldsOf(label),
    requestId,
    trackId,
    // The query of a URL may carry a signature.
    url: URL.canParse(url) ? `${new URL(url).origin}${new URL(url).pathname}` : "",
  });
  return {
    playbackRequested(label, request) {
      totals.playbacksRequested += 1;
      requestedAtMs.set(request, clock.now());
      const { volume, stopOther } = request;
      logger.info({ ...fieldsFor(label, request), volume, stopOther }, "PlayAudio started");
    },
    playbackBegan(label, request, media) {
      const nowMs = clock.now();
      startsS.observe((nowMs - (requestedAtMs.get(request) ?? nowMs)) / 1000);
      logger.info({ ...fieldsFor(label, request), ...media }, "PlayAudio playing");
    },
    playbackEnded(label, request, failure) {
      const fields = fieldsFor(label, request);
      if (!failure) {
        totals.playbacksCompleted += 1;
        logger.info(fields, "PlayAudio completed");
      } else if (failure.status === "CANCELLED") {
        totals.playbacksStopped += 1;
        logger.info({ ...fields, reason: failure.message }, "PlayAudio stopped");
      } else {
        totals.playbacksFailed += 1;
        logger.warn({ ...fields, status: failure.status, error: failure.message }, "PlayAudio failed");
      }
    },
  };
}

/** The lines that come before `Closing room session` when a stream is the cause. */
function reportCause(logger: Logger, label: SessionLabel, end: SessionEnd, inactivityS: number): void {
  const { reason, message } = end;
  const { userId } = label;
  const fields = { ...fieldsOf(label), error: message };
  if (reason === "inactivity")
    logger.warn(fields, `StreamAudio timeout for ${userId} (no activity for ${inactivityS}s)`);
  if (reason === "send_timeout") logger.warn(fields, "StreamAudio send timeout");
  if (reason !== "stream_error" && reason !== "send_timeout") return;
  logger.warn(fields, `StreamAudio send error for ${userId}`);
  logger.warn(fields, `StreamAudio error for userId=${userId}`);
  logger.warn(fields, `Cleaning up session for ${userId} due to stream error`);
}

function createMediaObserver(logger: Logger, clock: Clock, label: SessionLabel): MediaObserver {
  const { userId } = label;
  let droppedReportedAtMs: number | undefined;
  return {
    overflowed(stats: AudioStats, queue) {
      const nowMs = clock.now();
      const fields = { ...fieldsOf(label), dropped: stats.packetsDropped, queue };
      if (droppedReportedAtMs === undefined) {
        logger.warn(fields, `Dropping audio frame for ${userId} (channel full)`);
      } else if (nowMs - droppedReportedAtMs >= DROP_REPORT_EVERY_MS) {
        logger.warn(fields, `Dropping audio frames for ${userId}: total_dropped=${stats.packetsDropped}`);
      } else return;
      droppedReportedAtMs = nowMs;
    },
    packets(stats, queue) {
      const { packetsIn: received, packetsDropped: dropped, bytesIn: bytes } = stats;
      logger.debug({ ...fieldsOf(label), received, dropped, queue, bytes }, "Audio flowing");
    },
    publishFailed(trackName, error) {
      logger.warn({ ...fieldsOf(label), trackName, error }, "Failed to publish audio track");
    },
  };
}

function fieldsOf({ userId, roomName, generation }: SessionLabel) {
  return { userId, roomName, generation };
}
