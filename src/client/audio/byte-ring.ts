// A queue of bytes of a fixed size: what is written beyond it pushes the oldest out. Nothing is allocated per packet, and
// an emptied ring holds no memory.

export class ByteRing {
  readonly #sizeMaxBytes: number;
  #memory: Buffer | undefined;
  #startAt = 0;
  #length = 0;

  constructor(sizeMaxBytes: number) {
    this.#sizeMaxBytes = sizeMaxBytes;
  }

  get length(): number {
    return this.#length;
  }

  /** Copies `bytes` in and returns how many bytes were lost by it: old ones, or the beginning of what is too long itself. */
  write(bytes: Uint8Array): number {
    const size = this.#sizeMaxBytes;
    const memory = (this.#memory ??= Buffer.allocUnsafeSlow(size));
    const lost = Math.max(0, this.#length + bytes.length - size);
    this.#forget(Math.min(this.#length, lost));
    const kept = bytes.subarray(Math.max(0, bytes.length - size));
    const endAt = (this.#startAt + this.#length) % size;
    const untilWrap = Math.min(kept.length, size - endAt);
    memory.set(kept.subarray(0, untilWrap), endAt);
    memory.set(kept.subarray(untilWrap), 0);
    this.#length += kept.length;
    return lost;
  }

  /** Moves the oldest bytes to the beginning of `target`; returns how many there were, at most its length. */
  read(target: Uint8Array): number {
    const memory = this.#memory;
    const count = Math.min(target.length, this.#length);
    if (memory === undefined) return 0;
    const untilWrap = Math.min(count, this.#sizeMaxBytes - this.#startAt);
    target.set(memory.subarray(this.#startAt, this.#startAt + untilWrap), 0);
    target.set(memory.subarray(0, count - untilWrap), untilWrap);
    this.#forget(count);
    return count;
  }

  /** Empties the ring, gives its memory back and returns how many bytes were in it. */
  clear(): number {
    const lost = this.#length;
    this.#forget(lost);
    this.#memory = undefined;
    return lost;
  }

  #forget(count: number): void {
    this.#startAt = (this.#startAt + count) % this.#sizeMaxBytes;
    this.#length -= count;
  }
}
