import type { handleUnaryCall } from "@grpc/grpc-js";
import type { Backend } from "../backend.js";
import { onCancelled } from "../http2-stream.js";
import { joinStampOf } from "../join-stamp.js";
import type { JoinRoomRequest, JoinRoomResponse } from "../messages.js";
import { createJoinReply } from "../replies.js";

export function joinRoom(backend: Backend): handleUnaryCall<JoinRoomRequest, JoinRoomResponse> {
  return (call, callback) => {
    const { user_id: userId, room_name: roomName, token, livekit_url, target_identity } = call.request;
    const refusal = refuse(call.request, backend);
    if (refusal !== undefined) {
      const counts = { participant_id: "", participant_count: 0 };
      callback(null, { success: false, error: refusal, ...counts, metadata: { version: backend.version } });
      return;
    }
    const reply = createJoinReply(callback, backend.version);
    const cancelled = () => {
      if (!reply.isSettled) backend.send({ type: "join.cancelled", userId, reply });
    };
    onCancelled(call, cancelled, (error) => backend.handlerFailed("JoinRoom", error));
    const url = livekit_url || backend.defaultLivekitUrl;
    const request = {
      userId,
      roomName,
      token,
      url,
      targetIdentity: target_identity,
      stamp: joinStampOf(call.metadata),
    };
    backend.send({ type: "session.join", request, reply });
  };
}

function refuse(request: JoinRoomRequest, { limits }: Backend): string | undefined {
  if (request.user_id === "") return "user_id required";
  if (request.user_id.length > limits.userIdLengthMax) return `user_id longer than ${limits.userIdLengthMax}`;
  if (request.room_name.length > limits.roomNameLengthMax) return `room_name longer than ${limits.roomNameLengthMax}`;
  if (request.target_identity.length > limits.userIdLengthMax) {
    return `target_identity longer than ${limits.userIdLengthMax}`;
  }
  return undefined;
}
