// Audio on its way to the room. grpc-js takes what it is given without a limit, so no more is given than it has asked for,
// and the rest waits here, up to a bound.

import type { ClientDuplexStream } from "@grpc/grpc-js";
import type { Clock } from "../clock.js";
import { BridgeClientError } from "../errors.js";
import type { AudioChunkMessage } from "./messages.js";

export interface UplinkFormat {
  readonly trackId?: number;
  readonly sampleRate?: number;
  readonly channels?: number;
}

/**
 * Larger audio goes in pieces. grpc-js holds sixteen messages, and says that it takes more when all of them are gone: a
 * heartbeat that waits behind them must not wait for as long as the bridge is waited for.
 */
const PIECE_MAX_MS = 100;
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
  #isBeatDue = false;
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
      if (this.#isBeatDue) this.beat();
      this.#pump();
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** False: the queue is full or the stream over, and nothing was taken. */
  push(pcm: Uint8Array, format: UplinkFormat): boolean {
    assertPossible(format);
    const { trackId = 0, sampleRate = 16_000, channels = 1 } = format;
    const bytesPerMs = (sampleRate * channels * BYTES_PER_SAMPLE) / 1000;
    const durationMs = pcm.length / bytesPerMs;
    // An empty queue takes a clip of any length: it has to go somehow, and the caller holds it anyway.
    if (this.#isClosed || (this.#queuedMs > 0 && this.#queuedMs + durationMs > this.#maxMs)) return false;
    const frameBytes = channels * BYTES_PER_SAMPLE;
    const pieceMaxBytes = Math.max(1, Math.floor((PIECE_MAX_MS * sampleRate) / 1000)) * frameBytes;
    for (let at = 0; at < pcm.length; at += pieceMaxBytes) {
      const piece = pcm.subarray(at, at + pieceMaxBytes);
      const message = { ...this.#message(piece), sample_rate: sampleRate, channels, track_id: trackId };
      this.#pieces.push({ message, durationMs: piece.length / bytesPerMs });
    }
    this.#queuedMs += durationMs;
    this.#pump();
    return true;
  }

  /** A heartbeat. While the bridge takes nothing it waits, however many fall due, and goes before the audio that waits. */
  beat(): void {
    if (this.#isClosed) return;
    this.#isBeatDue = this.#isBlocked;
    if (!this.#isBlocked) this.#write(this.#message(new Uint8Array(0)));
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

function assertPossible(format: UplinkFormat): void {
  for (const [field, value] of Object.entries(format) as [string, number | undefined][]) {
    const min = field === "trackId" ? 0 : 1;
    if (value === undefined || (Number.isInteger(value) && value >= min)) continue;
    throw new BridgeClientError("invalid_argument", `send: ${field} must be a whole number of at least ${min}`);
  }
}
