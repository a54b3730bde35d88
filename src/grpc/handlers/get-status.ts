import type { handleUnaryCall } from "@grpc/grpc-js";
import type { Backend } from "../backend.js";
import type { BridgeStatusRequest, BridgeStatusResponse } from "../messages.js";

export function getStatus(backend: Backend): handleUnaryCall<BridgeStatusRequest, BridgeStatusResponse> {
  return (call, callback) => {
    const { isConnected, room, lastDisconnect } = backend.status(call.request.user_id);
    callback(null, {
      connected: isConnected,
      participant_id: isConnected ? (room?.participantId ?? "") : "",
      participant_count: isConnected ? (room?.participantCount ?? 0) : 0,
      last_disconnect_at: lastDisconnect?.atMs ?? 0,
      last_disconnect_reason: lastDisconnect?.reason ?? "",
      server_version: backend.version,
    });
  };
}
