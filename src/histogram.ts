// Counts of values by size: an addition to a plain number, so that a packet may pay for it.

export class Histogram {
  /** Upper bounds, ascending; a value on a bound counts as below it. */
  readonly bounds: readonly number[];
  /** One for each bound, and the last for whatever is above all. */
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    const { bounds, counts } = this;
    let index = 0;
    while (index < bounds.length && value > (bounds[index] ?? value)) index += 1;
    counts[index] = (counts[index] ?? 0) + 1;
    this.sum += value;
  }

  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }
}
