// Bits of a FLAC frame, most significant first. Beyond the end there are zeros; whoever reads them finds out by `isOver`.

export class BitReader {
  readonly #bytes: Uint8Array;
  readonly #endBit: number;
  #bit: number;

  constructor(bytes: Uint8Array, startByte: number) {
    this.#bytes = bytes;
    this.#endBit = bytes.length * 8;
    this.#bit = startByte * 8;
  }

  /** More bits were read than there are. */
  get isOver(): boolean {
    return this.#bit > this.#endBit;
  }

  /** The first byte that was not touched. */
  get byte(): number {
    return (this.#bit + 7) >>> 3;
  }

  /** 0 to 32 bits. */
  unsigned(count: number): number {
    if (count === 0) return 0;
    const value = this.#peek() >>> (32 - count);
    this.#bit += count;
    return value;
  }

  /** 0 to 32 bits, two's complement. */
  signed(count: number): number {
    if (count === 0) return 0;
    const value = this.#peek() >> (32 - count);
    this.#bit += count;
    return value;
  }

  /** Zeros up to the next one, which is read too. Ends at the end of the bytes. */
  unary(): number {
    let zeros = 0;
    for (;;) {
      const ahead = Math.clz32(this.#peek());
      if (ahead < 32) {
        this.#bit += ahead + 1;
        return zeros + ahead;
      }
      zeros += 32;
      this.#bit += 32;
      if (this.isOver) return zeros;
    }
  }

  /** Rice codes: the quotient in unary, the rest in `parameter` bits, the sign in the lowest. */
  rice(into: Int32Array, from: number, to: number, parameter: number): void {
    for (let at = from; at < to; at += 1) {
      const word = this.#peek();
      const zeros = Math.clz32(word);
      let folded: number;
      if (zeros + 1 + parameter <= 32 && zeros < 31) {
        // Nearly all codes: quotient and rest are in the bits at hand.
        const rest = parameter === 0 ? 0 : (word << (zeros + 1)) >>> (32 - parameter);
        folded = (zeros << parameter) | rest;
        this.#bit += zeros + 1 + parameter;
      } else {
        const quotient = this.unary();
        folded = (quotient << parameter) | this.unsigned(parameter);
        if (this.isOver) return;
      }
      into[at] = (folded >>> 1) ^ -(folded & 1);
    }
  }

  #peek(): number {
    const bytes = this.#bytes;
    const at = this.#bit >>> 3;
    const shift = this.#bit & 7;
    if (at + 4 >= bytes.length) return this.#peekAtEnd(at, shift);
    const word =
      ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
    return shift === 0 ? word : (word << shift) | ((bytes[at + 4] ?? 0) >>> (8 - shift));
  }

  #peekAtEnd(at: number, shift: number): number {
    let word = 0;
    for (let i = 0; i < 4; i += 1) word = (word << 8) | (this.#bytes[at + i] ?? 0);
    return shift === 0 ? word : (word << shift) | ((this.#bytes[at + 4] ?? 0) >>> (8 - shift));
  }
}
