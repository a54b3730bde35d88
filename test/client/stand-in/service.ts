// The service as the stand-in answers it.

import type { handleUnaryCall, UntypedServiceImplementation } from "@grpc/grpc-js";
import type {
  BridgeStatusRequest,
  BridgeStatusResponse,
  HealthCheckRequest,
  HealthCheckResponse,
  LeaveRoomRequest,
  LeaveRoomResponse,
} from "../../../src/grpc/messages.js";
import { joinRoom } from "./join-room.js";
import { playAudio, stopAudio } from "./play-audio.js";
import { record } from "./scene.js";
import type { Scene } from "./scene.js";
import { streamAudio } from "./stream-audio.js";
import { answerUnary, takeUnary } from "./unary.js";

export function createService(scene: Scene): UntypedServiceImplementation {
  return {
    JoinRoom: joinRoom(scene),
    LeaveRoom: leaveRoom(scene),
    StreamAudio: streamAudio(scene),
    PlayAudio: playAudio(scene),
    StopAudio: stopAudio(scene),
    GetStatus: getStatus(scene),
    HealthCheck: healthCheck(scene),
  };
}

function leaveRoom(scene: Scene): handleUnaryCall<LeaveRoomRequest, LeaveRoomResponse> {
  return (call, callback) => {
    const { recorder, sessions } = scene;
    const { user_id: userId } = call.request;
    const behaviour = scene.book.take("LeaveRoom", userId);
    const entry = record(scene, "LeaveRoom", call, call.request);
    const unary = takeUnary(call, callback, behaviour, (outcome, code) => recorder.end(entry, outcome, code));
    const leave = async () => {
      if (!behaviour.error && sessions.kind === "new") {
        sessions.pendingJoin(userId)?.giveUp("failed to connect to room: cancelled by leave");
      }
      const isKnown = sessions.get(userId) !== undefined;
      if (!behaviour.error) await sessions.close(userId, "left");
      await answerUnary(unary, () => ({ success: isKnown, error: isKnown ? "" : "session not found" }));
    };
    void leave();
  };
}

function getStatus(scene: Scene): handleUnaryCall<BridgeStatusRequest, BridgeStatusResponse> {
  return (call, callback) => {
    const { recorder, sessions, version } = scene;
    const { user_id: userId } = call.request;
    const entry = record(scene, "GetStatus", call, call.request);
    const behaviour = scene.book.take("GetStatus", userId);
    const unary = takeUnary(call, callback, behaviour, (outcome, code) => recorder.end(entry, outcome, code));
    void answerUnary(unary, () => {
      const session = sessions.get(userId);
      const last = sessions.lastEnds.get(userId);
      return {
        connected: session !== undefined,
        participant_id: session?.participantId ?? "",
        participant_count: session ? 2 : 0,
        last_disconnect_at: last?.atMs ?? 0,
        last_disconnect_reason: last?.reason ?? "",
        server_version: version,
      };
    });
  };
}

function healthCheck(scene: Scene): handleUnaryCall<HealthCheckRequest, HealthCheckResponse> {
  return (call, callback) => {
    const { recorder, sessions, version } = scene;
    const behaviour = scene.book.take("HealthCheck", "");
    const entry = record(scene, "HealthCheck", call, call.request);
    const unary = takeUnary(call, callback, behaviour, (outcome, code) => recorder.end(entry, outcome, code));
    void answerUnary(unary, () => ({
      status: "SERVING" as const,
      active_sessions: sessions.size,
      active_streams: sessions.streams.size,
      uptime_seconds: Math.floor(process.uptime()),
      metadata: { version },
    }));
  };
}
