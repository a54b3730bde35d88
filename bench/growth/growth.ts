// What joins and leaves leave behind: resident memory by their number, of a bridge and of its engine alone.

import type { Point, Slope } from "../load/percentiles.js";
import { slopeOf } from "../load/percentiles.js";

export interface GrowthRun {
  readonly engine: string;
  /** Joins and leaves, one after another; those of the warm-up come before. */
  readonly cycles: number;
  readonly warmUp: number;
  /** KB per join and leave. */
  readonly bridgeKb: Slope;
  readonly bareKb: Slope;
}

/** `residentKb`: after each block of `perBlock` cycles, the first before any. */
export function growthPerCycle(residentKb: readonly number[], perBlock: number): Slope {
  const points: Point[] = residentKb.map((y, block) => ({ x: block * perBlock, y }));
  return slopeOf(points);
}

export function printGrowth({ engine, cycles, warmUp, bridgeKb, bareKb }: GrowthRun): string {
  const row = (name: string, { perUnit, error }: Slope) =>
    `${name.padEnd(44)}${perUnit.toFixed(1).padStart(8)} ± ${(2 * error).toFixed(1)} KB per join and leave`;
  return [
    `${cycles} joins and leaves each, after ${warmUp} to warm up`,
    row("bridge (gRPC, session, stream, engine)", bridgeKb),
    row(`control: the engine ${engine} alone`, bareKb),
    `${"added by the bridge".padEnd(44)}${(bridgeKb.perUnit - bareKb.perUnit).toFixed(1).padStart(8)}`,
  ].join("\n");
}
