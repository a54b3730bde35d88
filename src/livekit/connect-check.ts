// What a join is asked with, checked before anybody is asked.

import { RoomConnectError } from "./room.js";

const URL_LENGTH_MAX = 2048;
const SCHEMES: ReadonlySet<string> = new Set(["ws:", "wss:", "http:", "https:"]);

/** Throws `invalid_url` for what is no address of a server. Returns the place that is asked: scheme, host, port. */
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
