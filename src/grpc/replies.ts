// Unary answers as ports: each settles once, whoever comes first.

import { Metadata, status } from "@grpc/grpc-js";
import type { sendUnaryData } from "@grpc/grpc-js";
import type { JoinReply, LeaveReply, StopReply } from "../machines/ports.js";
import type { JoinRoomResponse, LeaveRoomResponse, StopAudioResponse } from "./messages.js";

/** When a full bridge may be asked again, in the metadata key that gRPC's own retry policy reads. */
const RETRY_PUSHBACK_MS = "1000";

interface Once {
  readonly isSettled: boolean;
  settle(answer: () => void): void;
}

function once(): Once {
  let isSettled = false;
  return {
    get isSettled() {
      return isSettled;
    },
    settle(answer) {
      if (isSettled) return;
      isSettled = true;
      answer();
    },
  };
}

export function createJoinReply(callback: sendUnaryData<JoinRoomResponse>, version: string): JoinReply {
  const reply = once();
  const fail = (error: string) =>
    reply.settle(() =>
      callback(null, { success: false, error, participant_id: "", participant_count: 0, metadata: { version } }),
    );
  return {
    get isSettled() {
      return reply.isSettled;
    },
    succeed({ participantId, participantCount, generation }) {
      // headers: streams send initial metadata on attach; keepalive: pings at least 1 s apart are welcome.
      const metadata = { version, session: String(generation), headers: "1", keepalive: "1" };
      const counts = { participant_id: participantId, participant_count: participantCount };
      reply.settle(() => callback(null, { success: true, error: "", ...counts, metadata }));
    },
    fail: (message) => fail(`failed to connect to room: ${message}`),
    refuse(name, details) {
      const metadata = new Metadata();
      if (name === "RESOURCE_EXHAUSTED") metadata.set("grpc-retry-pushback-ms", RETRY_PUSHBACK_MS);
      reply.settle(() => callback({ code: status[name], details, metadata }));
    },
    abandon: () => fail("failed to connect to room: internal error"),
  };
}

export function createLeaveReply(callback: sendUnaryData<LeaveRoomResponse>): LeaveReply {
  const reply = once();
  return {
    get isSettled() {
      return reply.isSettled;
    },
    succeed: () => reply.settle(() => callback(null, { success: true, error: "" })),
    fail: (error) => reply.settle(() => callback(null, { success: false, error })),
    abandon: () => reply.settle(() => callback(null, { success: true, error: "" })),
  };
}

export function createStopReply(callback: sendUnaryData<StopAudioResponse>): StopReply {
  const reply = once();
  const fail = (error: string) => reply.settle(() => callback(null, { success: false, error, stopped_request_id: "" }));
  return {
    get isSettled() {
      return reply.isSettled;
    },
    succeed: (ids) =>
      reply.settle(() => callback(null, { success: true, error: "", stopped_request_id: ids.join(",") })),
    fail,
    abandon: () => fail("session not found"),
  };
}
