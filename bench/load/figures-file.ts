// Files of figures: written with the machine they were measured on, read as they were.

import { readFileSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";

export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly node: string;
  readonly kernel: string;
}

export function thisMachine(): Machine {
  return { cores: cpus().length, cpu: cpus()[0]?.model ?? "", node: process.version, kernel: release() };
}

/** When and where they were measured. */
export interface Origin {
  readonly at: string;
  readonly machine: Machine;
}

/** Of now, and of this machine. */
export function writeFigures(path: string, figures: object): void {
  const origin: Origin = { at: new Date().toISOString(), machine: thisMachine() };
  writeFileSync(path, `${JSON.stringify({ ...origin, ...figures }, undefined, 2)}\n`);
}

/** What is not a number has no form in JSON, and is null there. */
export function readFigures(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8"), (_key, value: unknown) => (value === null ? Number.NaN : value));
}
