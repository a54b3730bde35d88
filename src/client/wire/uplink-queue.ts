// Audio on its way to the room. grpc-js takes what it is given without a limit, so no more is given than it has asked for,
// and the rest waits here, up to a bound.

import type { ClientDuplexStream } from "@grpc/grpc-js";
import type { Clock } from "../clock.js";
import type { AudioChunkMessage } from "./messages.js";

export interface UplinkFormat {
  readonly trackId?: number;
  readonly sampleRate?: number;
  readonly channels?: number;
}

/** One second at 16 kHz mono: larger audio goes in pieces, so that a heartbeat never waits behind a megabyte. */
const PIECE_MAX_BYTES = 32_000;
const BYTES_PER_SAMPLE = 2;

interface Piece {
  readonly message: AudioChunkMessage;
  readonly durationMs: number;
}

export class UplinkQueue {
  readonly #call: ClientDuplexStream<AudioChunkMessage, AudioChunkMessage>;
  readonly #userId: string;
  readonly #clock: Clock;
  readonly #maxMs: number;
  readonly #pieces: Piece[] = [];
  readonly #waiting = new Set<() => void>();
  #queuedMs = 0;
  #isBlocked = false;
  #isClosed = false;

  constructor(
    call: ClientDuplexStream<AudioChunkMessage, AudioChunkMessage>,
    userId: string,
    clock: Clock,
    maxMs: number,
  ) {
    this.#call = call;
    this.#userId = userId;
    this.#clock = clock;
    this.#maxMs = maxMs;
    call.on("drain", () => {
      this.#isBlocked = false;
      this.#pump();
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** False: the queue is full or the stream over, and nothing was taken. */
  push(pcm: Uint8Array, { trackId = 0, sampleRate = 16_000, channels = 1 }: UplinkFormat): boolean {
    const bytesPerMs = (sampleRate * channels * BYTES_PER_SAMPLE) / 1000;
    const durationMs = pcm.length / bytesPerMs;
    // An empty queue takes a clip of any length: it has to go somehow, and the caller holds it anyway.
    if (this.#isClosed || (this.#queuedMs > 0 && this.#queuedMs + durationMs > this.#maxMs)) return false;
    for (let at = 0; at < pcm.length; at += PIECE_MAX_BYTES) {
      const piece = pcm.subarray(at, at + PIECE_MAX_BYTES);
      const message = { ...this.#message(piece), sample_rate: sampleRate, channels, track_id: trackId };
      this.#pieces.push({ message, durationMs: piece.length / bytesPerMs });
    }
    this.#queuedMs += durationMs;
    this.#pump();
    return true;
  }

  /** A heartbeat. While the bridge takes nothing there is none to send: it would only wait behind the audio. */
  beat(): void {
    if (!this.#isClosed && !this.#isBlocked) this.#write(this.#message(new Uint8Array(0)));
  }

  /** True when there is room again, false when the stream is over or the signal fires. */
  hasRoom(signal: AbortSignal | undefined): Promise<boolean> {
    const isRoom = () => !this.#isClosed && this.#queuedMs < this.#maxMs / 2;
    if (isRoom() || this.#isClosed || signal?.aborted === true) return Promise.resolve(isRoom());
    return new Promise((resolve) => {
      const look = () => {
        if (!isRoom() && !this.#isClosed && signal?.aborted !== true) return;
        this.#waiting.delete(look);
        signal?.removeEventListener("abort", look);
        resolve(isRoom());
      };
      this.#waiting.add(look);
      signal?.addEventListener("abort", look, { once: true });
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#pieces.length = 0;
    this.#queuedMs = 0;
    this.#tellWaiting();
  }

  #pump(): void {
    while (!this.#isBlocked && !this.#isClosed) {
      const piece = this.#pieces.shift();
      if (!piece) {
        this.#queuedMs = 0;
        break;
      }
      this.#queuedMs -= piece.durationMs;
      this.#write({ ...piece.message, timestamp_ms: this.#clock.wallNow() });
    }
    this.#tellWaiting();
  }

  #write(message: AudioChunkMessage): void {
    this.#isBlocked = !this.#call.write(message);
  }

  #tellWaiting(): void {
    for (const look of this.#waiting) look();
  }

  #message(pcm: Uint8Array): AudioChunkMessage {
    return {
      pcm_data: pcm,
      sample_rate: 16_000,
      channels: 1,
      timestamp_ms: this.#clock.wallNow(),
      user_id: this.#userId,
      track_id: 0,
    };
  }
}
