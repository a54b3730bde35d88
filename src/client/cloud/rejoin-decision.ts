// The phone has come back and a bridge client exists: is what it has worth keeping? A healthy session must not be torn
// down, and a dead one that looks healthy must not be kept.

import type { BridgeStatusInfo } from "./bridge-status-info.js";
import type { ManagedCore } from "./managed-client.js";

export interface Evidence {
  readonly state: ManagedCore["state"];
  /** An old bridge goes on saying `connected` after its participant was thrown out of the room. */
  readonly isOldBridge: boolean;
  /** `undefined` when the bridge was not asked. */
  readonly status: BridgeStatusInfo | undefined;
  /** Since the last microphone audio; `undefined` when there was none yet. */
  readonly audioAgeMs: number | undefined;
  readonly audioAgeMaxMs: number;
}

export interface Decision {
  readonly action: "rejoin" | "keep-alive";
  readonly because: string;
}

export function decideRejoin({ state, isOldBridge, status, audioAgeMs, audioAgeMaxMs }: Evidence): Decision {
  if (state === "joining") return keep("a join is under way");
  if (state !== "streaming") return rejoin(state === "waiting" ? "the next try is still to come" : "not connected");
  if (status === undefined) return keep("the stream is up, and the bridge is not asked");
  const hasFreshAudio = audioAgeMs !== undefined && audioAgeMs < audioAgeMaxMs;
  if (hasFreshAudio && (isOldBridge || isUnknown(status))) return keep("audio is fresh");
  if (isUnknown(status)) return rejoin(`no fresh audio, and no status: ${status.last_disconnect_reason}`);
  if (!status.connected) return rejoin("the bridge is not in the room");
  if (isOldBridge) return rejoin("no fresh audio, which an old bridge would not tell");
  return keep("the bridge is in the room");
}

/** The answer is this side's own: nothing is known of the bridge. */
function isUnknown(status: BridgeStatusInfo): boolean {
  return !status.connected && ["rpc_error", "unimplemented", "exception"].includes(status.last_disconnect_reason);
}

const keep = (because: string): Decision => ({ action: "keep-alive", because });
const rejoin = (because: string): Decision => ({ action: "rejoin", because });
