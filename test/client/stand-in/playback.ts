// One PlayAudio call, which plays nothing and reports what its script says.

import type { ServerWritableStream } from "@grpc/grpc-js";
import { onCancelled } from "../../../src/grpc/http2-stream.js";
import type { PlayAudioEvent, PlayAudioRequest } from "../../../src/grpc/messages.js";
import type { PlayStep, Status } from "./behaviour.js";
import { toGrpcStatus } from "./status.js";
import { pause } from "./within.js";

export type PlayCall = ServerWritableStream<PlayAudioRequest, PlayAudioEvent>;

export class Playback {
  readonly userId: string;
  readonly requestId: string;
  readonly trackId: number;
  readonly #call: PlayCall;
  readonly #closed: (how: "answered" | "cancelled", status: Status) => void;
  readonly #stop = new AbortController();

  constructor(call: PlayCall, requestId: string, closed: (how: "answered" | "cancelled", status: Status) => void) {
    this.#call = call;
    this.userId = call.request.user_id;
    this.requestId = requestId;
    this.trackId = call.request.track_id;
    this.#closed = closed;
    call.on("error", () => {});
    onCancelled(
      call,
      () => this.#close("cancelled", { code: "CANCELLED" }),
      (error) => {
        throw error;
      },
    );
  }

  async run(script: readonly PlayStep[]): Promise<void> {
    for (const step of script) {
      const isDue = step.afterMs === undefined || (await pause(step.afterMs, this.#stop.signal));
      if (!isDue || this.#stop.signal.aborted || "hangs" in step) return;
      if ("status" in step) {
        this.end(step.status);
        return;
      }
      this.#event(step.event);
    }
    this.end({ code: "OK" });
  }

  fail(error: string, code: Status["code"]): void {
    if (this.#stop.signal.aborted) return;
    this.#event({ type: "FAILED", error });
    this.end({ code, details: error });
  }

  end(status: Status): void {
    if (this.#stop.signal.aborted) return;
    this.#close("answered", status);
    const { code, details, metadata } = toGrpcStatus(status);
    if (status.code === "OK") this.#call.end(metadata);
    else this.#call.emit("error", { code, details, metadata });
  }

  #event(event: Partial<PlayAudioEvent>): void {
    this.#call.write({
      type: "STARTED",
      request_id: this.requestId,
      duration_ms: 0,
      position_ms: 0,
      error: "",
      metadata: {},
      ...event,
    });
  }

  #close(how: "answered" | "cancelled", status: Status): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#closed(how, status);
  }
}
