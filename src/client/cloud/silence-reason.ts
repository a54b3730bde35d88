// What explains that no microphone audio comes although the bridge is joined. With any of these, joining again helps nobody.

import type { ManagedUser } from "./managed-user.js";

export interface SilenceLimits {
  readonly unixNowMs: number;
  readonly pongAgeMaxMs: number;
}

export function silenceReason(user: ManagedUser, { unixNowMs, pongAgeMaxMs }: SilenceLimits): string | undefined {
  const { websocket, disconnectedAt, lastPongAtMs } = user;
  if (websocket === null || (websocket !== undefined && websocket.readyState !== WEBSOCKET_OPEN))
    return "phone not connected";
  if (disconnectedAt !== undefined && disconnectedAt !== null) return "phone away";
  if (user.hasAudioSubscriptions?.() === false) return "nobody listens";
  if (lastPongAtMs !== undefined && unixNowMs - lastPongAtMs > pongAgeMaxMs) return "phone answers no pings";
  return undefined;
}

const WEBSOCKET_OPEN = 1;
