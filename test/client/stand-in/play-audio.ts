// PlayAudio and StopAudio of the stand-in.

import type { handleServerStreamingCall, handleUnaryCall } from "@grpc/grpc-js";
import type {
  PlayAudioEvent,
  PlayAudioRequest,
  StopAudioRequest,
  StopAudioResponse,
} from "../../../src/grpc/messages.js";
import { Playback } from "./playback.js";
import { record } from "./scene.js";
import type { Scene } from "./scene.js";
import { answerUnary, takeUnary } from "./unary.js";

let lastMadeUp = 0;

export function playAudio(scene: Scene): handleServerStreamingCall<PlayAudioRequest, PlayAudioEvent> {
  return (call) => {
    const { user_id: userId, request_id, stop_other, track_id } = call.request;
    const { recorder, sessions } = scene;
    const entry = record(scene, "PlayAudio", call, call.request);
    const { script = [] } = scene.book.take("PlayAudio", userId);
    const requestId = request_id === "" ? `made-up-${(lastMadeUp += 1)}` : request_id;
    const playback = new Playback(call, requestId, (outcome, { code }) => {
      recorder.end(entry, outcome, code);
      sessions.playbacks.delete(playback);
    });
    if (!sessions.get(userId)) {
      playback.fail(`session not found for user ${userId}`, "NOT_FOUND");
      return;
    }
    for (const other of sessions.playbacksOf(userId)) {
      if (stop_other || other.trackId === track_id || other.requestId === requestId) {
        other.fail(`interrupted by ${requestId}`, "CANCELLED");
      }
    }
    sessions.playbacks.add(playback);
    void playback.run(script);
  };
}

export function stopAudio(scene: Scene): handleUnaryCall<StopAudioRequest, StopAudioResponse> {
  return (call, callback) => {
    const { recorder, sessions } = scene;
    const { user_id: userId, reason } = call.request;
    const behaviour = scene.book.take("StopAudio", userId);
    const entry = record(scene, "StopAudio", call, call.request);
    const unary = takeUnary(call, callback, behaviour, (outcome, code) => recorder.end(entry, outcome, code));
    void answerUnary(unary, () => {
      if (!sessions.get(userId)) return { success: false, error: "session not found", stopped_request_id: "" };
      const isMeant = behaviour.stopsEverything === true ? () => true : meant(call.request);
      const stopped = sessions.playbacksOf(userId).filter(isMeant);
      for (const playback of stopped) playback.fail(`stopped: ${reason}`, "CANCELLED");
      return { success: true, error: "", stopped_request_id: stopped.map(({ requestId }) => requestId).join(",") };
    });
  };
}

function meant({ request_id, track_id }: StopAudioRequest): (playback: Playback) => boolean {
  if (request_id !== "") return ({ requestId }) => requestId === request_id;
  if (track_id === undefined || track_id === -1) return () => true;
  return ({ trackId }) => trackId === track_id;
}
