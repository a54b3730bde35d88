// CLOCK_MONOTONIC in milliseconds: the same clock in every process of a machine, so that a time taken in one can be
// subtracted in another. `performance.now()` counts from the start of each process.

export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
