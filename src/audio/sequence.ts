// Odd packets carry a sequence number of one byte in front. It is dropped, and tells what was lost or came late.

export class SequenceCounter {
  #last: number | undefined;

  /** Returns how many packets are missing before this one, or -1 when this one comes late (or twice). */
  next(sequence: number): number {
    const last = this.#last;
    this.#last = sequence;
    if (last === undefined) return 0;
    const step = (sequence - last) & 0xff;
    if (step >= 1 && step < 128) return step - 1;
    this.#last = last;
    return -1;
  }
}
