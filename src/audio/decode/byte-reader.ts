// A window onto the bytes of a stream: pulled only when they are asked for, copied once, never more than was asked for
// plus one refill. Everything that waits here ends at once when the signal aborts or the reader is closed.

/** Bytes are moved into the window in portions of this size, so that a chunk of 10 MB is not copied at once. */
const REFILL_BYTES = 32_768;
/** A source that answers without ever waiting would keep the event loop to itself; after so many chunks it is let go. */
const CHUNKS_PER_TURN = 128;

export class ByteReader {
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly #signal: AbortSignal;
  /** Rejects the pull that is pending. One function per pull: racing one long promise would keep every loser alive. */
  #interrupt: ((reason: unknown) => void) | undefined;
  #reason: unknown;
  readonly #onAbort: () => void;
  #window = new Uint8Array(REFILL_BYTES);
  #start = 0;
  #end = 0;
  /** What of the last chunk is not in the window yet. */
  #rest: Uint8Array = new Uint8Array(0);
  #state: "open" | "ended" | "closed" = "open";
  #chunks = 0;
  #position = 0;

  constructor(bytes: AsyncIterable<Uint8Array>, signal: AbortSignal) {
    this.#iterator = bytes[Symbol.asyncIterator]();
    this.#signal = signal;
    this.#onAbort = () => this.#release(signal.reason);
    if (signal.aborted) this.#onAbort();
    else signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Bytes taken out of the window so far. */
  get position(): number {
    return this.#position;
  }

  get available(): number {
    return this.#end - this.#start;
  }

  /** What is in the window. Valid until the next call of `fill` or `discard`. */
  get view(): Uint8Array {
    return this.#window.subarray(this.#start, this.#end);
  }

  /** Waits until `count` bytes are in the window; false if the stream ends before that. */
  async fill(count: number): Promise<boolean> {
    while (this.available < count) {
      if (this.#rest.length === 0 && !(await this.#pull())) return false;
      this.#take(count);
    }
    return true;
  }

  /** Takes `count` bytes, which must be there, out of the window. */
  skip(count: number): void {
    const taken = Math.min(count, this.available);
    this.#start += taken;
    this.#position += taken;
    if (this.#start === this.#end) this.#start = this.#end = 0;
  }

  /** Skips `count` bytes without keeping them, however many; false if the stream ends before that. */
  async discard(count: number): Promise<boolean> {
    let left = count - Math.min(count, this.available);
    this.skip(count - left);
    while (left > 0) {
      if (this.#rest.length === 0 && !(await this.#pull())) return false;
      const taken = Math.min(left, this.#rest.length);
      this.#rest = this.#rest.subarray(taken);
      this.#position += taken;
      left -= taken;
    }
    return true;
  }

  /** Lets the source go. What waits is rejected with `ReaderClosed`. */
  close(): void {
    this.#release(new ReaderClosed());
  }

  /** One more chunk; false at the end. Throws what stopped the reader. */
  async #pull(): Promise<boolean> {
    if (this.#state === "ended") return false;
    this.#chunks += 1;
    if (this.#chunks % CHUNKS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    let result: IteratorResult<Uint8Array>;
    try {
      result = await this.#next();
    } catch (error) {
      // A source that threw has ended by itself; there is nothing to return to.
      if (this.#state === "open") this.#finish("ended");
      throw error;
    }
    if (result.done === true) {
      this.#finish("ended");
      return false;
    }
    this.#rest = result.value;
    return true;
  }

  #next(): Promise<IteratorResult<Uint8Array>> {
    return new Promise((resolve, reject) => {
      if (this.#state === "closed") return reject(this.#reason);
      this.#interrupt = reject;
      this.#iterator.next().then(resolve, reject);
    });
  }

  #take(count: number): void {
    const wanted = Math.max(count - this.available, REFILL_BYTES);
    const portion = this.#rest.subarray(0, wanted);
    this.#rest = this.#rest.subarray(portion.length);
    if (this.#end + portion.length > this.#window.length) this.#makeRoom(portion.length);
    this.#window.set(portion, this.#end);
    this.#end += portion.length;
  }

  #makeRoom(count: number): void {
    const held = this.view;
    const needed = held.length + count;
    if (needed * 2 > this.#window.length) {
      const larger = new Uint8Array(needed * 2);
      larger.set(held);
      this.#window = larger;
    } else {
      this.#window.copyWithin(0, this.#start, this.#end);
    }
    this.#start = 0;
    this.#end = held.length;
  }

  #release(reason: unknown): void {
    if (this.#state === "closed") return;
    const wasOpen = this.#state === "open";
    this.#finish("closed");
    this.#reason = reason;
    this.#interrupt?.(reason);
    this.#interrupt = undefined;
    this.#rest = new Uint8Array(0);
    this.#window = new Uint8Array(0);
    this.#start = this.#end = 0;
    if (wasOpen) void returnTo(this.#iterator);
  }

  #finish(state: "ended" | "closed"): void {
    this.#state = state;
    this.#signal.removeEventListener("abort", this.#onAbort);
  }
}

/** The consumer closed the stream while it was read. */
export class ReaderClosed extends Error {
  constructor() {
    super("the stream was closed");
    this.name = "ReaderClosed";
  }
}

/** A source that waits in `next` answers `return` only afterwards, and nobody here waits for that. */
async function returnTo(iterator: AsyncIterator<Uint8Array>): Promise<void> {
  try {
    await iterator.return?.();
  } catch {
    // It was told to stop; how it stops is its own affair.
  }
}
