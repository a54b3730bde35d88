// Native connect errors are bare strings. What they say is sorted here into the codes of the seam; the text is kept for
// people, without the token that an HTTP client likes to repeat as part of an address.

import { RoomConnectError, type RoomConnectErrorCode } from "../room.js";

/** In order; the first match decides. Taken from the error types of livekit's signal client, engine and room. */
const RULES: readonly (readonly [RegExp, RoomConnectErrorCode])[] = [
  [/\b(401|403)\b|access token has invalid characters/i, "unauthorized"],
  [/failed to parse the url|url scheme|unsupported scheme/i, "invalid_url"],
  [/timed? ?out|timeout/i, "timeout"],
  [/client error: 4|server error: 5|handshake error|region info/i, "unreachable"],
  [/connection|connect|closed|dns|refused|tls|certificate|leave/i, "unreachable"],
];

const TEXT_LENGTH_MAX = 300;

export function toConnectError(nativeText: string, token: string): RoomConnectError {
  const code = RULES.find(([pattern]) => pattern.test(nativeText))?.[1] ?? "internal";
  return new RoomConnectError(code, withoutToken(nativeText, token).slice(0, TEXT_LENGTH_MAX));
}

function withoutToken(text: string, token: string): string {
  return text.replaceAll(token, "<token>").replace(/access_token=[^&\s)"]*/g, "access_token=<token>");
}

const URL_LENGTH_MAX = 2048;
const SCHEMES: ReadonlySet<string> = new Set(["ws:", "wss:", "http:", "https:"]);

/** Throws `invalid_url` unless the native part can make sense of it. Returns the place that is asked: scheme, host, port. */
export function parseServerUrl(text: string): string {
  const url = text.length <= URL_LENGTH_MAX && URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !SCHEMES.has(url.protocol) || url.hostname === "")
    throw new RoomConnectError("invalid_url", "the LiveKit URL must be ws, wss, http or https with a host");
  return `${url.protocol}//${url.host}`;
}

const TOKEN_LENGTH_MAX = 16_384;

/** Throws `unauthorized` for what cannot be a token, before anybody is asked. */
export function checkToken(token: string): void {
  if (token.length > TOKEN_LENGTH_MAX || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token))
    throw new RoomConnectError("unauthorized", "the access token is not a JWT");
}
