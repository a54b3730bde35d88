// From what a stage of a playback throws to what its caller reads.

import { DecodeError } from "../audio/decode/decode.js";
import { FetchError } from "../audio/fetch/open-url.js";
import { TrackPublishError } from "../livekit/room.js";
import type { PlaybackFailure } from "../machines/ports.js";
import { redact } from "../redact.js";

export class TooManyTracks extends Error {}

const FETCH_STATUS = {
  invalid_url: "INVALID_ARGUMENT",
  forbidden: "PERMISSION_DENIED",
  http_status: "NOT_FOUND",
  unreachable: "UNAVAILABLE",
  timeout: "DEADLINE_EXCEEDED",
  too_slow: "DEADLINE_EXCEEDED",
  too_large: "RESOURCE_EXHAUSTED",
  too_many_redirects: "FAILED_PRECONDITION",
  aborted: "CANCELLED",
  truncated: "UNAVAILABLE",
} as const;

const DECODE_STATUS = {
  unsupported: "UNIMPLEMENTED",
  damaged: "DATA_LOSS",
  empty: "INVALID_ARGUMENT",
  too_long: "RESOURCE_EXHAUSTED",
  internal: "INTERNAL",
} as const;

/** What a person reads, and the status that fits. */
export function failureOf(error: unknown): PlaybackFailure {
  if (error instanceof FetchError) return { status: FETCH_STATUS[error.code], message: error.message };
  if (error instanceof DecodeError) return { status: DECODE_STATUS[error.code], message: error.message };
  if (error instanceof TooManyTracks)
    return { status: "RESOURCE_EXHAUSTED", message: "too many tracks in this session" };
  if (error instanceof TrackPublishError) {
    const status = error.code === "not_allowed" ? "PERMISSION_DENIED" : "UNAVAILABLE";
    return { status, message: `the room does not take the audio: ${error.message}` };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { status: "INTERNAL", message: redact(message) };
}
