import type { handleBidiStreamingCall, ServerDuplexStream } from "@grpc/grpc-js";
import { Metadata, status } from "@grpc/grpc-js";
import type { Backend } from "../backend.js";
import { joinStampOf } from "../join-stamp.js";
import type { AudioChunk } from "../messages.js";
import { createStreamPort } from "../stream-port.js";

type AudioCall = ServerDuplexStream<AudioChunk, AudioChunk>;

export function streamAudio(backend: Backend): handleBidiStreamingCall<AudioChunk, AudioChunk> {
  return (call) => {
    const { clock, limits } = backend;
    const guarded = (work: () => void) => () => guard(call, backend, work);
    const late = guarded(() => end(call, status.DEADLINE_EXCEEDED, "no first chunk", "no_first_chunk"));
    const timer = clock.setTimeout(late, limits.firstChunkTimeoutMs);
    const stopWaiting = () => clock.clearTimeout(timer);
    call.once("cancelled", stopWaiting);
    call.once("end", () => {
      stopWaiting();
      call.end();
    });
    call.once("data", (first: AudioChunk) => {
      stopWaiting();
      call.removeAllListeners("end");
      // Nothing more is read until the session listens.
      call.pause();
      guard(call, backend, () => open(call, backend, first));
    });
  };
}

function open(call: AudioCall, backend: Backend, first: AudioChunk): void {
  const userId = first.user_id;
  const { userIdLengthMax } = backend.limits;
  const invalid = (details: string) => end(call, status.INVALID_ARGUMENT, details, "invalid");
  if (userId === "") return invalid("userId required in first chunk");
  // A status is a header of HTTP/2: one that repeats a name of any length would end the whole connection.
  if (userId.length > userIdLengthMax) return invalid(`user_id: longer than ${userIdLengthMax}`);
  const port = createStreamPort(call, userId, first, backend);
  backend.send({ type: "stream.open", userId, port, stamp: joinStampOf(call.metadata) });
}

function end(call: AudioCall, code: status, details: string, reason: string): void {
  const metadata = new Metadata();
  metadata.set("bridge-end-reason", reason);
  call.emit("error", { code, details, metadata });
}

function guard(call: AudioCall, backend: Backend, work: () => void): void {
  try {
    work();
  } catch (error) {
    backend.handlerFailed("StreamAudio", error);
    end(call, status.INTERNAL, "internal error", "internal_error");
  }
}
