import type { handleUnaryCall } from "@grpc/grpc-js";
import type { Backend } from "../backend.js";
import type { StopAudioRequest, StopAudioResponse } from "../messages.js";
import { createStopReply } from "../replies.js";

export function stopAudio(backend: Backend): handleUnaryCall<StopAudioRequest, StopAudioResponse> {
  return (call, callback) => {
    const { user_id: userId, request_id: requestId, track_id: trackId } = call.request;
    const reason = call.request.reason.slice(0, backend.limits.reasonLengthMax);
    backend.send({ type: "playback.stop", userId, requestId, trackId, reason, reply: createStopReply(callback) });
  };
}
