// GetStatus under its old names: keys as on the wire, times as numbers, and every failure as a status that says
// "not connected" and why.

import type { BridgeStatus } from "../bridge-client.js";
import { BridgeClientError } from "../errors.js";

export interface BridgeStatusInfo {
  readonly connected: boolean;
  readonly participant_id: string;
  readonly participant_count: number;
  /** Unix time in milliseconds, 0 if none is remembered. */
  readonly last_disconnect_at: number;
  /** The bridge's reason, or `client_disposed`, `rpc_error`, `unimplemented`, `exception` when it could not be asked. */
  readonly last_disconnect_reason: string;
  readonly server_version: string;
}

export function statusInfo(status: BridgeStatus): BridgeStatusInfo {
  return {
    connected: status.connected,
    participant_id: status.participantId,
    participant_count: status.participantCount,
    last_disconnect_at: status.lastDisconnectAtMs,
    last_disconnect_reason: status.lastDisconnectReason,
    server_version: status.serverVersion,
  };
}

export function failedStatus(error: unknown): BridgeStatusInfo {
  return {
    connected: false,
    participant_id: "",
    participant_count: 0,
    last_disconnect_at: 0,
    last_disconnect_reason: reasonOf(error),
    server_version: "",
  };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof BridgeClientError)) return "exception";
  if (error.code === "disposed") return "client_disposed";
  return error.code === "unimplemented" ? "unimplemented" : "rpc_error";
}
