// What of a session may be shown. Everything here is named: a field that nobody has put on these lists is not shown, so
// that a new port, token or buffer in a context or an event stays inside without anybody having to think of it.

import type { PlaybackContext } from "../machines/playback-context.js";
import type { PlaybackRequest } from "../machines/ports.js";
import type { SessionContext } from "../machines/session-context.js";
import { redact } from "../redact.js";

export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain };
type PlainFields = Record<string, Plain>;

const TEXT_LENGTH_MAX = 256;
const LIST_LENGTH_MAX = 64;
const QUERY = /(\b[a-z][a-z+.-]*:\/\/[^\s?#"'<>]*)[?#][^\s"'<>]*/gi;

const EVENT_FIELDS = ["attachment", "generation", "userId", "reason", "message", "cause", "actorId", "atMs"] as const;
const SOUND_FIELDS = ["requestId", "trackId", "durationMs"] as const;
const END_FIELDS = ["status", "details", "reason"] as const;
const PORT_FIELDS = ["attachment"] as const;
const REQUEST_FIELDS = ["requestId", "trackId", "volume", "stopOther"] as const;
const MEDIA_FIELDS = ["format", "sample_rate", "channels", "bytes", "content_type"] as const;
const FAILURE_FIELDS = ["status", "message"] as const;
const ROOM_FIELDS = ["participantId", "participantCount"] as const;
const OUTPUT_FIELDS = ["userId", "generation", "reason"] as const;

/** While a session lives, its end is only what would be said if nobody set one, and would mislead. */
export function showContext(context: SessionContext, isEnding: boolean): PlainFields {
  const { request, generation, hasPredecessor, limits, end, stream, room, playbacks } = context;
  return {
    userId: showText(request.userId),
    roomName: showText(request.roomName),
    generation,
    hasPredecessor,
    room: room ? pick(room, ROOM_FIELDS) : null,
    stream: stream ? { attachment: stream.attachment } : null,
    activity: stream
      ? { silentMs: Math.round(context.now() - stream.activity.lastAtMs), heartbeats: stream.activity.heartbeats }
      : null,
    playbacks: playbacks
      .slice(0, LIST_LENGTH_MAX)
      .map(({ slot, port }) => ({ slot: showText(slot), ...showRequest(port.request) })),
    end: isEnding ? pick(end, ["reason", "message"]) : null,
    limits: pick(limits, Object.keys(limits)),
  };
}

/** One PlayAudio call. */
export function showPlayback({ port, media, failure, durationMs }: PlaybackContext): PlainFields {
  return {
    ...showRequest(port.request),
    media: pick(media, MEDIA_FIELDS),
    failure: failure ? pick(failure, FAILURE_FIELDS) : null,
    durationMs,
  };
}

/** The address by its parts, since its query and its user may be what grants access, however they are written. */
function showRequest(request: PlaybackRequest): PlainFields {
  const address = URL.canParse(request.url) ? new URL(request.url) : undefined;
  return { ...pick(request, REQUEST_FIELDS), url: address ? showText(`${address.origin}${address.pathname}`) : "" };
}

export function showEvent(event: { readonly type: string }): PlainFields {
  const shown: PlainFields = { type: showText(event.type), ...pick(event, [...EVENT_FIELDS, ...SOUND_FIELDS]) };
  const parts: readonly (readonly [string, readonly string[]])[] = [
    ["end", END_FIELDS],
    ["port", PORT_FIELDS],
    ["room", ROOM_FIELDS],
    ["output", OUTPUT_FIELDS],
    ["media", MEDIA_FIELDS],
    ["failure", FAILURE_FIELDS],
  ];
  for (const [name, fields] of parts) {
    const part = fieldOf(event, name);
    if (typeof part === "object" && part !== null) shown[name] = pick(part, fields);
  }
  const port = fieldOf(event, "port");
  const request = typeof port === "object" && port !== null ? fieldOf(port, "request") : undefined;
  if (typeof request === "object" && request !== null) shown["request"] = pick(request, REQUEST_FIELDS);
  const error = fieldOf(event, "error");
  if (error !== undefined) shown["error"] = showError(error);
  return shown;
}

export function showOutput(output: unknown): PlainFields | null {
  return typeof output === "object" && output !== null ? pick(output, OUTPUT_FIELDS) : null;
}

export function showError(error: unknown): string {
  return showText(error instanceof Error ? `${error.name}: ${error.message}` : "not an Error");
}

/** No token, no query of an address, and no more than a line or two. */
export function showText(text: string): string {
  const safe = redact(text.replace(QUERY, "$1"));
  return safe.length > TEXT_LENGTH_MAX ? `${safe.slice(0, TEXT_LENGTH_MAX)}…` : safe;
}

function pick(source: object, fields: readonly string[]): PlainFields {
  const shown: PlainFields = {};
  for (const name of fields) {
    const value = fieldOf(source, name);
    if (typeof value === "string") shown[name] = showText(value);
    else if (typeof value === "number" || typeof value === "boolean") shown[name] = value;
  }
  return shown;
}

function fieldOf(source: object, name: string): unknown {
  return name in source ? (source as Readonly<Record<string, unknown>>)[name] : undefined;
}
