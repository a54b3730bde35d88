// One PlayAudio call as a port: STARTED, PROGRESS, then exactly one of COMPLETED and FAILED, and the status that fits.

import type { ServerWritableStream } from "@grpc/grpc-js";
import { Metadata, status } from "@grpc/grpc-js";
import type { PlaybackFailure, PlaybackPort, PlaybackRequest } from "../machines/ports.js";
import type { Backend } from "./backend.js";
import type { PlayAudioEvent, PlayAudioRequest } from "./messages.js";
import { resetIfStuck } from "./reset-if-stuck.js";

export type PlayAudioCall = ServerWritableStream<PlayAudioRequest, PlayAudioEvent>;

/** A status is a header of HTTP/2; the whole text is in the FAILED event. */
const DETAILS_MAX = 500;
/** A caller that does not read gets no more progress than this; its last event comes in any case. */
const UNREAD_MAX = 8;

export function createPlaybackPort(call: PlayAudioCall, request: PlaybackRequest, backend: Backend): PlaybackPort {
  return new GrpcPlaybackPort(call, request, backend);
}

class GrpcPlaybackPort implements PlaybackPort {
  readonly request: PlaybackRequest;
  readonly #call: PlayAudioCall;
  readonly #backend: Backend;
  #media: Readonly<Record<string, string>> = {};
  #durationMs = 0;
  #positionMs = 0;
  #isSettled = false;

  constructor(call: PlayAudioCall, request: PlaybackRequest, backend: Backend) {
    this.#call = call;
    this.request = request;
    this.#backend = backend;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  started(): void {
    this.#write({ type: "STARTED" });
  }

  describe(media: Readonly<Record<string, string>>): void {
    this.#media = media;
  }

  progress(positionMs: number, durationMs: number | undefined): void {
    this.#positionMs = positionMs;
    this.#durationMs = Math.round(durationMs ?? 0);
    if (this.#call.writableLength < UNREAD_MAX) this.#write({ type: "PROGRESS" });
  }

  complete(durationMs: number): void {
    if (this.#isSettled) return;
    this.#positionMs = durationMs;
    this.#durationMs = durationMs;
    this.#write({ type: "COMPLETED" });
    this.#isSettled = true;
    this.#call.end();
    this.#letGo();
  }

  fail({ status: name, message }: PlaybackFailure): void {
    if (this.#isSettled) return;
    this.#write({ type: "FAILED", error: message });
    this.#isSettled = true;
    this.#call.emit("error", { code: status[name], details: message.slice(0, DETAILS_MAX), metadata: new Metadata() });
    this.#letGo();
  }

  abandon(): void {
    this.fail({ status: "INTERNAL", message: "internal error" });
  }

  #write(event: Pick<PlayAudioEvent, "type"> & Partial<PlayAudioEvent>): void {
    if (this.#isSettled) return;
    this.#call.write({
      request_id: this.request.requestId,
      duration_ms: this.#durationMs,
      position_ms: this.#positionMs,
      error: "",
      metadata: this.#media,
      ...event,
    });
  }

  #letGo(): void {
    const { clock, limits } = this.#backend;
    resetIfStuck(this.#call, clock, limits.resetAfterMs);
  }
}
