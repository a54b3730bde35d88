// A bounded queue between audio that comes when it comes and a reader that takes it when it can. The oldest goes first.

import type { MicrophoneChunk } from "../bridge-client.js";

const BYTES_PER_SAMPLE = 2;

export interface ChunkQueueOptions {
  readonly maxMs: number;
  readonly dropped: (bytes: number) => void;
}

export class ChunkQueue {
  readonly #options: ChunkQueueOptions;
  readonly #chunks: MicrophoneChunk[] = [];
  #queuedMs = 0;
  #isClosed = false;
  #wake: (() => void) | undefined;

  constructor(options: ChunkQueueOptions) {
    this.#options = options;
  }

  push(chunk: MicrophoneChunk): void {
    if (this.#isClosed) return;
    this.#chunks.push(chunk);
    this.#queuedMs += durationMs(chunk);
    while (this.#queuedMs > this.#options.maxMs && this.#chunks.length > 1) {
      const oldest = this.#take();
      if (oldest) this.#options.dropped(oldest.pcm.length);
    }
    this.#wake?.();
  }

  /** The next chunk, or `undefined` when the queue is closed and empty. One reader at a time. */
  async next(): Promise<MicrophoneChunk | undefined> {
    while (this.#chunks.length === 0 && !this.#isClosed) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.#take();
  }

  /** What is queued can still be read. */
  close(): void {
    this.#isClosed = true;
    this.#wake?.();
  }

  #take(): MicrophoneChunk | undefined {
    const chunk = this.#chunks.shift();
    this.#queuedMs = chunk ? this.#queuedMs - durationMs(chunk) : 0;
    return chunk;
  }
}

function durationMs({ pcm, sampleRate, channels }: MicrophoneChunk): number {
  return (pcm.length * 1000) / (sampleRate * channels * BYTES_PER_SAMPLE);
}
