// One StreamAudio call: what comes up is recorded, what is told is sent, and it ends as told.

import type { ServerDuplexStream } from "@grpc/grpc-js";
import { http2StreamOf, onCancelled } from "../../../src/grpc/http2-stream.js";
import type { AudioChunk } from "../../../src/grpc/messages.js";
import type { Status, StreamBehaviour } from "./behaviour.js";
import { toGrpcStatus, toMetadata } from "./status.js";
import { isWithin } from "./within.js";

export type AudioCall = ServerDuplexStream<AudioChunk, AudioChunk>;

export interface AudioStreamEvents {
  chunk(chunk: AudioChunk): void;
  /** Once, whoever ends it. */
  closed(how: "ended" | "half_closed" | "cancelled", status: Status): void;
}

/** A client of Node ends its half right before the reset of a cancel: a half-close is one only if nothing follows. */
const HALF_CLOSE_SETTLES_MS = 20;
const TAKEN_MAX_MS = 2000;
const TRAILERS_MAX_MS = 200;
const RESET_AFTER_MS = 500;

export class AudioStream {
  readonly userId: string;
  readonly connection: number;
  readonly #call: AudioCall;
  readonly #behaviour: () => StreamBehaviour;
  readonly #isEchoWanted: boolean;
  readonly #events: AudioStreamEvents;
  #isClosed = false;
  #isAccepted = false;
  #samplesSent = 0;

  constructor(
    call: AudioCall,
    identity: { readonly userId: string; readonly connection: number },
    behaviour: () => StreamBehaviour,
    events: AudioStreamEvents,
  ) {
    this.#call = call;
    this.userId = identity.userId;
    this.connection = identity.connection;
    this.#behaviour = behaviour;
    this.#events = events;
    this.#isEchoWanted = call.metadata.get("bridge-echo")[0] === "1";
    call.on("data", (chunk: AudioChunk) => this.#received(chunk));
    call.on("error", () => {});
    onCancelled(
      call,
      () => this.#close("cancelled", { code: "CANCELLED" }),
      (error) => {
        throw error;
      },
    );
    call.once("end", () => {
      setTimeout(() => {
        if (!this.#isClosed)
          void this.end({ code: "OK", metadata: { "bridge-end-reason": "half_closed" } }, "half_closed");
      }, HALF_CLOSE_SETTLES_MS);
    });
  }

  /** Sends the initial metadata when it is due. */
  accept(version: string): void {
    const { headers } = this.#behaviour();
    const send = () => {
      this.#isAccepted = true;
      if (!this.#isClosed) this.#call.sendMetadata(toMetadata({ "bridge-version": version }));
    };
    if (headers === "at-once") send();
    else if (headers === "with-first-chunk") this.#isAccepted = true;
    else if (typeof headers === "object") setTimeout(send, headers.afterMs);
  }

  /** Reads or stops reading, as told now. */
  applyReading(): void {
    if (this.#behaviour().reads === false) this.#call.pause();
    else this.#call.resume();
  }

  /** Resolves when the end is on its way, before anything that is sent later on the connection. */
  async end(status: Status, how: "ended" | "half_closed" = "ended"): Promise<void> {
    if (this.#isClosed) return;
    const stream = http2StreamOf(this.#call);
    const isUnderWay = new Promise<void>((done) => {
      stream?.once("wantTrailers", () => done());
      stream?.once("close", () => done());
      if (stream?.headersSent !== true) setImmediate(done);
    });
    this.#close(how, status);
    const { code, details, metadata } = toGrpcStatus(status);
    if (status.code === "OK") this.#call.end(metadata);
    else this.#call.emit("error", { code, details, metadata });
    this.#call.resume();
    const timer = setTimeout(() => stream?.destroy(), RESET_AFTER_MS);
    stream?.once("close", () => clearTimeout(timer));
    await isWithin(isUnderWay, TRAILERS_MAX_MS);
  }

  /** Sizes are filled with samples that count up over the whole stream, 0 to 32,767 and again. Undefined: it was not taken. */
  async send(chunk: Buffer | number): Promise<number | undefined> {
    if (this.#isClosed || !this.#isAccepted) return undefined;
    const pcm_data = typeof chunk === "number" ? this.#countedSamples(chunk) : chunk;
    const taken = new Promise<void>((done) => this.#call.write(downlink(pcm_data), () => done()));
    return (await isWithin(taken, TAKEN_MAX_MS)) && !this.#isClosed ? pcm_data.length : undefined;
  }

  #received(chunk: AudioChunk): void {
    this.#events.chunk(chunk);
    const isEchoed = this.#isEchoWanted && this.#isAccepted && this.#behaviour().echoes === true;
    if (chunk.pcm_data.length === 0 && isEchoed && !this.#isClosed) this.#call.write(downlink(Buffer.alloc(0)));
  }

  #close(how: "ended" | "half_closed" | "cancelled", status: Status): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#events.closed(how, status);
  }

  #countedSamples(sizeBytes: number): Buffer {
    const pcm = Buffer.alloc(sizeBytes);
    for (let at = 0; at + 1 < sizeBytes; at += 2) {
      pcm.writeInt16LE(this.#samplesSent & 0x7fff, at);
      this.#samplesSent += 1;
    }
    return pcm;
  }
}

function downlink(pcm_data: Buffer): AudioChunk {
  return { pcm_data, sample_rate: 16_000, channels: 1, timestamp_ms: Date.now(), user_id: "", track_id: 0 };
}
