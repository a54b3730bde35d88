// Bytes on their way from the socket to whoever pulls. Bounded: when it is full the gate of the connection is shut, and
// opened again only when somebody has taken everything. Order is kept to the end: a failure of the connection comes after
// the bytes that came before it.

import { FetchError } from "./fetch-error.js";

const BUFFER_MAX_BYTES = 64 * 1024;
/** Each chunk costs more than its bytes; a server that sends single ones must not fill the memory with their wrappers. */
const BUFFER_MAX_CHUNKS = 256;

interface Gate {
  shut(): void;
  open(): void;
  /** Nothing more is wanted: the connection can go. */
  close(): void;
}

export class BodyInbox {
  readonly #gate: Gate;
  readonly #sizeMaxBytes: number;
  #chunks: Uint8Array[] = [];
  #bufferedBytes = 0;
  #receivedBytes = 0;
  /** Set when nothing more will come: a failure, or the regular end. */
  #outcome: { readonly failure: FetchError | undefined } | undefined;
  #wake: (() => void) | undefined;

  constructor(gate: Gate, sizeMaxBytes: number) {
    this.#gate = gate;
    this.#sizeMaxBytes = sizeMaxBytes;
  }

  /** Bytes that have come from the network. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** What comes next, without taking it. */
  get first(): Uint8Array | undefined {
    return this.#chunks[0];
  }

  /** Whether `take` has something to say. */
  get isReady(): boolean {
    return this.#chunks.length > 0 || this.#outcome !== undefined;
  }

  push(chunk: Uint8Array): void {
    if (this.#outcome !== undefined || chunk.length === 0) return;
    this.#receivedBytes += chunk.length;
    if (this.#receivedBytes > this.#sizeMaxBytes) {
      this.end(tooLarge(this.#sizeMaxBytes));
      return;
    }
    this.#chunks.push(chunk);
    this.#bufferedBytes += chunk.length;
    if (this.#bufferedBytes >= BUFFER_MAX_BYTES || this.#chunks.length >= BUFFER_MAX_CHUNKS) this.#gate.shut();
    this.#wake?.();
  }

  /** Nothing more will come. The first outcome counts; what is in here can still be taken. */
  end(failure?: FetchError): void {
    this.#outcome ??= { failure };
    this.#gate.close();
    this.#wake?.();
  }

  /** Forgets what is in here: whoever is pulling is told at once. */
  drop(failure: FetchError | undefined): void {
    this.#chunks = [];
    this.#outcome = { failure };
    this.#gate.close();
    this.#wake?.();
  }

  /** All that is in here as one piece; undefined at the end. Throws the failure. Only when `isReady`. */
  take(): Uint8Array | undefined {
    const [first, ...others] = this.#chunks;
    if (first === undefined) {
      if (this.#outcome?.failure !== undefined) throw this.#outcome.failure;
      return undefined;
    }
    const all = others.length === 0 ? first : Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#bufferedBytes = 0;
    this.#gate.open();
    return all;
  }

  /** Resolves when `isReady`. One waits at a time. */
  async ready(): Promise<void> {
    if (this.isReady) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }
}

export const tooLarge = (sizeMaxBytes: number): FetchError =>
  new FetchError("too_large", `audio URL is larger than the limit of ${sizeMaxBytes} bytes`);
