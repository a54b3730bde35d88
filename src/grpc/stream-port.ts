// One StreamAudio call as a port. It converts and checks chunks, settles the end once, and makes sure that an end is an end:
// what the peer does not take is reset.

import type { ServerDuplexStream } from "@grpc/grpc-js";
import { Metadata, status } from "@grpc/grpc-js";
import type { PeerActivity, StreamEnd, StreamHandlers, StreamPort } from "../machines/ports.js";
import type { Backend } from "./backend.js";
import { onCancelled } from "./http2-stream.js";
import type { AudioChunk } from "./messages.js";
import { resetIfStuck } from "./reset-if-stuck.js";
import { checkChunk } from "./uplink-check.js";

type AudioCall = ServerDuplexStream<AudioChunk, AudioChunk>;

/** Well below the 100 ms within which a half-close is answered. */
const HALF_CLOSE_SETTLES_MS = 20;

let lastAttachment = 0;

export function createStreamPort(call: AudioCall, userId: string, first: AudioChunk, backend: Backend): StreamPort {
  return new GrpcStreamPort(call, userId, first, backend);
}

class GrpcStreamPort implements StreamPort {
  readonly attachment: number;
  readonly activity: PeerActivity;
  isGone = false;
  readonly #call: AudioCall;
  readonly #userId: string;
  readonly #backend: Backend;
  readonly #isEchoed: boolean;
  #first: AudioChunk | undefined;
  #handlers: StreamHandlers | undefined;
  /** What happened while nobody was connected; told on `connect`. */
  #past: ((handlers: StreamHandlers) => void) | undefined;
  #isSettled = false;

  constructor(call: AudioCall, userId: string, first: AudioChunk, backend: Backend) {
    lastAttachment += 1;
    this.attachment = lastAttachment;
    this.#call = call;
    this.#userId = userId;
    this.#first = first;
    this.#backend = backend;
    this.#isEchoed = call.metadata.get("bridge-echo")[0] === "1";
    this.activity = { lastAtMs: backend.clock.now(), heartbeats: 0, isHeld: false };
    call.on("data", (chunk: AudioChunk) => this.#guard(() => this.#received(chunk)));
    call.on("end", () => this.#ended());
    const cancelled = () => {
      this.isGone = true;
      this.#tell((handlers) => handlers.cancelled("the client is gone"));
    };
    const failed = (error: unknown) => backend.handlerFailed("StreamAudio", error);
    onCancelled(call, cancelled, failed);
    call.on("error", (error) => this.#tell((handlers) => handlers.cancelled(error.message)));
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  connect(handlers: StreamHandlers): () => void {
    this.#handlers = handlers;
    if (this.#isSettled) return () => {};
    const metadata = new Metadata();
    metadata.set("bridge-version", this.#backend.version);
    this.#call.sendMetadata(metadata);
    const first = this.#first;
    this.#first = undefined;
    if (first) this.#guard(() => this.#process(first, true));
    this.#past?.(handlers);
    this.#call.resume();
    return () => {
      this.#handlers = undefined;
    };
  }

  write(payload: Uint8Array, taken: () => void): void {
    if (this.#isSettled) return;
    const timestamp_ms = this.#backend.clock.wallNow();
    this.#call.write(
      { pcm_data: payload, sample_rate: 16_000, channels: 1, timestamp_ms, user_id: "", track_id: 0 },
      taken,
    );
  }

  resume(): void {
    if (this.#isSettled) return;
    if (this.activity.isHeld) this.activity.lastAtMs = this.#backend.clock.now();
    this.activity.isHeld = false;
    this.#call.resume();
  }

  end(end: StreamEnd): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#handlers = undefined;
    const metadata = new Metadata();
    metadata.set("bridge-end-reason", end.reason);
    if (end.status === "OK") this.#call.end(metadata);
    else this.#call.emit("error", { code: status[end.status], details: end.details, metadata });
    this.#call.resume();
    resetIfStuck(this.#call, this.#backend.clock, this.#backend.limits.resetAfterMs);
  }

  abandon(): void {
    this.end({ status: "INTERNAL", details: "internal error", reason: "internal_error" });
  }

  #received(chunk: AudioChunk): void {
    if (this.#isSettled || this.#process(chunk, false)) return;
    this.activity.isHeld = true;
    this.#call.pause();
  }

  /** Returns false when the call should pause. */
  #process(chunk: AudioChunk, isFirst: boolean): boolean {
    const handlers = this.#handlers;
    if (!handlers) return true;
    this.activity.lastAtMs = this.#backend.clock.now();
    const checked = checkChunk(chunk, this.#userId, this.#backend.limits);
    if ("refusal" in checked) {
      const end = { status: "INVALID_ARGUMENT", details: checked.refusal, reason: "invalid" } as const;
      handlers.invalid(end);
      return true;
    }
    if (checked.pcm.length > 0) return handlers.audio(checked);
    if (isFirst) return true;
    this.activity.heartbeats += 1;
    handlers.heartbeat(this.#isEchoed);
    return true;
  }

  /** A client of Node ends its half right before the reset of a cancel: a half-close is one only if nothing follows. */
  #ended(): void {
    const { clock } = this.#backend;
    const timer = clock.setTimeout(() => this.#tell((handlers) => handlers.halfClosed()), HALF_CLOSE_SETTLES_MS);
    this.#call.once("cancelled", () => clock.clearTimeout(timer));
  }

  #tell(event: (handlers: StreamHandlers) => void): void {
    if (this.#isSettled) return;
    const handlers = this.#handlers;
    if (handlers) this.#guard(() => event(handlers));
    // A cancel outlasts a half-close, and the first word is kept otherwise.
    else this.#past = event;
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#backend.handlerFailed("StreamAudio", error);
      this.abandon();
    }
  }
}
