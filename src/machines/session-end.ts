// What an end means for the stream that was attached: the table "how a stream ends" of docs/wire.md, in one place.

import type { EndReason, SessionEnd, StreamEnd, StreamStatus } from "./ports.js";

const STREAM_ENDS: Readonly<Record<EndReason, readonly [StreamStatus, string]>> = {
  left: ["OK", ""],
  replaced: ["OK", ""],
  cancelled: ["OK", ""],
  duplicate_identity: ["OK", ""],
  participant_removed: ["OK", ""],
  room_deleted: ["OK", ""],
  // Nobody is left to read it.
  stream_error: ["CANCELLED", "stream error"],
  send_timeout: ["DEADLINE_EXCEEDED", "send timeout"],
  inactivity: ["DEADLINE_EXCEEDED", "stream timeout"],
  zombie: ["DEADLINE_EXCEEDED", "stream timeout"],
  server_shutdown: ["UNAVAILABLE", "connection_lost"],
  connection_lost: ["UNAVAILABLE", "connection_lost"],
  drain: ["UNAVAILABLE", "draining"],
  join_failed: ["NOT_FOUND", "session not found"],
  internal_error: ["INTERNAL", "internal error"],
};

export function streamEndOf(end: SessionEnd, userId: string): StreamEnd {
  const [status, text] = STREAM_ENDS[end.reason];
  const details = end.reason === "join_failed" ? `session not found for user ${userId}` : text;
  return { status, details, reason: end.reason };
}

/** The text of a JoinRoom that was abandoned or failed, behind "failed to connect to room: ". */
export function joinFailureOf(end: SessionEnd): string {
  if (end.reason === "replaced") return "superseded by a newer join";
  if (end.reason === "left") return "cancelled by leave";
  return end.message;
}
