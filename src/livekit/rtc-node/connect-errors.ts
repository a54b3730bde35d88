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
