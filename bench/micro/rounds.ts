// Variants of one piece of work, measured in turns: each round runs all of them, each time in another order, so that a
// machine that slows down slows all. What counts is the ratio to the first one, round by round; the second is the first
// again, and shows what a ratio of this machine is worth.
//
// Libraries for this measure one variant after another, and by the wall clock: on a shared machine that compares moments.

export interface Variant {
  readonly name: string;
  /** Does the work and returns the CPU time of one unit of it, in nanoseconds. */
  readonly run: () => number | Promise<number>;
}

export interface Comparison {
  readonly title: string;
  /** What one is: "packet". */
  readonly unit: string;
  readonly rounds: number;
  readonly variants: readonly Measured[];
}

export interface Measured {
  readonly name: string;
  /** Median CPU time of a unit. */
  readonly nsPerUnit: number;
  /** To the first variant, the median over the rounds. */
  readonly ratio: number;
}

export interface ComparisonOptions {
  readonly title: string;
  readonly unit: string;
  readonly rounds: number;
}

export async function compare(options: ComparisonOptions, variants: readonly Variant[]): Promise<Comparison> {
  const costsNs = variants.map((): number[] => []);
  for (const { run } of variants) await run();
  for (let round = 0; round < options.rounds; round += 1) {
    for (let i = 0; i < variants.length; i += 1) {
      const at = (round + i) % variants.length;
      const variant = variants[at];
      if (variant) costsNs[at]?.push(await variant.run());
    }
  }
  const base = costsNs[0] ?? [];
  const measured = variants.map(({ name }, at) => {
    const own = costsNs[at] ?? [];
    return { name, nsPerUnit: median(own), ratio: median(own.map((ns, round) => ns / (base[round] ?? ns))) };
  });
  return { ...options, variants: measured };
}

/** Nanoseconds of CPU time, user and system, of one of `units`. */
export async function cpuNsPerUnit(units: number, work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / units;
}

export const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

export function printComparison({ title, unit, rounds, variants }: Comparison): string {
  const width = Math.max(...variants.map(({ name }) => name.length)) + 2;
  const lines = variants.map(({ name, nsPerUnit, ratio }) => {
    return `  ${name.padEnd(width)}${(nsPerUnit / 1000).toFixed(2).padStart(10)} µs per ${unit}  ratio ${ratio.toFixed(3)}`;
  });
  return [`${title} (${rounds} rounds, CPU time)`, ...lines].join("\n");
}
