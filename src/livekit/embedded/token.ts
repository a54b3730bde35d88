// Access tokens as LiveKit's server takes them. Tokens are made by LiveKit's own SDK; they are checked here, because
// that SDK checks on a thread and by the real wall clock, and an engine for a simulated clock must do neither. A test
// holds this check against the SDK's.

import { createHmac, timingSafeEqual } from "node:crypto";
import { AccessToken, type VideoGrant } from "livekit-server-sdk";

export interface KeyPair {
  readonly apiKey: string;
  readonly apiSecret: string;
}

/** What a valid token says of its bearer. */
export interface Grants {
  readonly identity: string;
  readonly room: string;
  readonly canPublish: boolean;
  readonly canPublishData: boolean;
  readonly canSubscribe: boolean;
}

export interface TokenGrants extends Omit<VideoGrant, "room"> {
  /** Seconds until it expires, 6 h by default; negative for a token that has expired already. */
  readonly ttlSeconds?: number;
}

/** The server's tolerance for clocks that differ: a token is good for this much longer than it says. */
const LEEWAY_MS = 60_000;

export async function mintToken(
  keys: KeyPair,
  wallNowMs: number,
  identity: string,
  room: string,
  grants: TokenGrants = {},
): Promise<string> {
  const { ttlSeconds = 6 * 3600, ...video } = grants;
  // The SDK counts from the real time; the token must last on the injected clock.
  const ttl = Math.round(ttlSeconds + (wallNowMs - Date.now()) / 1000);
  const token = new AccessToken(keys.apiKey, keys.apiSecret, { identity, ttl: `${ttl}s` });
  token.addGrant({ roomJoin: true, ...video, room });
  return await token.toJwt();
}

/** Throws an `Error` that says what is wrong with the token, and never contains it. */
export function verifyToken(keys: KeyPair, wallNowMs: number, token: string): Grants {
  const claims = readSigned(keys.apiSecret, token);
  if (claims["iss"] !== keys.apiKey) throw new Error("token is of an unknown key");
  const { exp, nbf, sub } = claims;
  if (typeof exp !== "number") throw new Error("token has no expiry");
  if (exp * 1000 + LEEWAY_MS < wallNowMs) throw new Error("token has expired");
  if (typeof nbf === "number" && nbf * 1000 - LEEWAY_MS > wallNowMs) throw new Error("token is not valid yet");
  const video = (claims["video"] ?? {}) as VideoGrant;
  if (video.roomJoin !== true || !video.room) throw new Error("token does not grant to join a room");
  if (typeof sub !== "string" || sub === "") throw new Error("token names no identity");
  const canPublish = video.canPublish ?? true;
  return {
    identity: sub,
    room: video.room,
    canPublish,
    canPublishData: video.canPublishData ?? canPublish,
    canSubscribe: video.canSubscribe ?? true,
  };
}

function readSigned(secret: string, token: string): Record<string, unknown> {
  const [header = "", payload = "", signature = "", ...rest] = token.split(".");
  if (signature === "" || rest.length > 0) throw new Error("token is malformed");
  if (readPart(header)["alg"] !== "HS256") throw new Error("token is signed in a way that is not accepted");
  const expected = createHmac("sha256", secret).update(`${header}.${payload}`).digest();
  const actual = Buffer.from(signature, "base64url");
  if (actual.length !== expected.length || !timingSafeEqual(actual, expected)) {
    throw new Error("token has a bad signature");
  }
  return readPart(payload);
}

function readPart(part: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // Falls through: not JSON is as malformed as JSON that is no object.
  }
  throw new Error("token is malformed");
}
