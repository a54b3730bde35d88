import type { handleUnaryCall } from "@grpc/grpc-js";
import type { Backend } from "../backend.js";
import { joinStampOf } from "../join-stamp.js";
import type { LeaveRoomRequest, LeaveRoomResponse } from "../messages.js";
import { createLeaveReply } from "../replies.js";

export function leaveRoom(backend: Backend): handleUnaryCall<LeaveRoomRequest, LeaveRoomResponse> {
  return (call, callback) => {
    const { user_id: userId } = call.request;
    const reason = call.request.reason.slice(0, backend.limits.reasonLengthMax);
    const stamp = joinStampOf(call.metadata);
    backend.send({ type: "session.leave", userId, reason, reply: createLeaveReply(callback), stamp });
  };
}
