// Cuts samples off the two ends of a stream whose end is known only when it comes: what may have to go waits here.

export class EdgeTrim {
  #skip: number;
  readonly #keepBack: number;
  #held: Int16Array[] = [];
  #heldLength = 0;

  /** Both in samples of all channels together. */
  constructor(skip: number, keepBack: number) {
    this.#skip = skip;
    this.#keepBack = keepBack;
  }

  /** Takes a block, gives what can go out; often an older block, and an empty one at first. */
  push(block: Int16Array): Int16Array {
    const skipped = Math.min(this.#skip, block.length);
    this.#skip -= skipped;
    const rest = block.subarray(skipped);
    if (this.#keepBack === 0) return rest;
    this.#held.push(rest);
    this.#heldLength += rest.length;
    return this.#take(this.#heldLength - this.#keepBack);
  }

  /** At the end: what was kept back, if it turned out to be sound. */
  rest(): Int16Array {
    return this.#take(this.#heldLength);
  }

  #take(count: number): Int16Array {
    if (count <= 0) return new Int16Array(0);
    const all = new Int16Array(this.#heldLength);
    let at = 0;
    for (const block of this.#held) {
      all.set(block, at);
      at += block.length;
    }
    this.#held = [all.subarray(count)];
    this.#heldLength -= count;
    return all.subarray(0, count);
  }
}
