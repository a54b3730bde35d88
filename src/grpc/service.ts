// One line per RPC: which handler serves it.

import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import type { Backend } from "./backend.js";
import { getStatus } from "./handlers/get-status.js";
import { healthCheck } from "./handlers/health-check.js";
import { joinRoom } from "./handlers/join-room.js";
import { leaveRoom } from "./handlers/leave-room.js";
import { playAudio } from "./handlers/play-audio.js";
import { stopAudio } from "./handlers/stop-audio.js";
import { streamAudio } from "./handlers/stream-audio.js";
import { totalStream, totalUnary } from "./total.js";

export function createService(backend: Backend): UntypedServiceImplementation {
  const report = (rpc: string, error: unknown) => backend.handlerFailed(rpc, error);
  return {
    JoinRoom: totalUnary("JoinRoom", report, joinRoom(backend)),
    LeaveRoom: totalUnary("LeaveRoom", report, leaveRoom(backend)),
    StreamAudio: totalStream("StreamAudio", report, streamAudio(backend)),
    PlayAudio: totalStream("PlayAudio", report, playAudio(backend)),
    StopAudio: totalUnary("StopAudio", report, stopAudio(backend)),
    HealthCheck: totalUnary("HealthCheck", report, healthCheck(backend)),
    GetStatus: totalUnary("GetStatus", report, getStatus(backend)),
  };
}
