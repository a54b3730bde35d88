import { randomUUID } from "node:crypto";
import type { handleServerStreamingCall } from "@grpc/grpc-js";
import type { Backend } from "../backend.js";
import { onCancelled } from "../http2-stream.js";
import type { PlayAudioEvent, PlayAudioRequest } from "../messages.js";
import type { PlaybackFailure } from "../../machines/ports.js";
import { createPlaybackPort } from "../playback-port.js";

export function playAudio(backend: Backend): handleServerStreamingCall<PlayAudioRequest, PlayAudioEvent> {
  return (call) => {
    const { user_id: userId, audio_url: url, volume = 1, stop_other: stopOther, track_id: trackId } = call.request;
    const requestId = call.request.request_id || randomUUID();
    const port = createPlaybackPort(call, { requestId, url, volume, stopOther, trackId }, backend);
    const refusal = refuse(call.request, backend);
    if (refusal) {
      port.fail(refusal);
      return;
    }
    const cancelled = () => {
      if (!port.isSettled) backend.send({ type: "playback.cancelled", userId, port });
    };
    onCancelled(call, cancelled, (error) => backend.handlerFailed("PlayAudio", error));
    backend.send({ type: "playback.request", userId, port });
  };
}

function refuse(request: PlayAudioRequest, { limits, refuseAudioUrl }: Backend): PlaybackFailure | undefined {
  const invalid = (message: string) => ({ status: "INVALID_ARGUMENT", message }) as const;
  if (request.user_id.length > limits.userIdLengthMax) {
    return invalid(`user_id: longer than ${limits.userIdLengthMax}`);
  }
  if (request.request_id.length > limits.requestIdLengthMax) {
    return invalid(`request_id: longer than ${limits.requestIdLengthMax}`);
  }
  if (request.audio_url === "") return invalid("audio URL is empty");
  const { volume = 1, track_id: trackId } = request;
  // Infinity would turn silence into NaN and everything else into noise at full scale.
  if (!(volume >= 0 && Number.isFinite(volume))) return invalid("volume: must be a finite number, 0 or more");
  if (trackId < 0) return invalid("track_id: must not be negative");
  return refuseAudioUrl(request.audio_url);
}
