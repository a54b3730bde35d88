// How the programs get into rooms: each mints its own tokens.

import { AccessToken } from "livekit-server-sdk";

export interface Access {
  readonly url: string;
  readonly apiKey: string;
  readonly apiSecret: string;
}

const TTL_SECONDS = 6 * 3600;

export function mintToken({ apiKey, apiSecret }: Access, identity: string, room: string): Promise<string> {
  const token = new AccessToken(apiKey, apiSecret, { identity, ttl: TTL_SECONDS });
  token.addGrant({ roomJoin: true, room, canPublish: true, canSubscribe: true, canPublishData: true });
  return token.toJwt();
}

/** User k of a run; the room has the same name. The run's id keeps runs on a shared server apart. */
export const userName = (run: string, index: number) => `bench-${run}-${index}`;
export const bridgeIdentity = (user: string) => `cloud-agent:${user}`;
