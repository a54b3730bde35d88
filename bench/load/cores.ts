// One core for what is measured, the others for the load. A process inherits the cores of whoever starts it, so the starter
// moves there for the moment of starting: native thread pools then see one core from their beginning, as on a small machine.

import { execFileSync } from "node:child_process";
import { allowedCores } from "./proc.js";

export interface Cores {
  readonly bridge: readonly number[];
  readonly load: readonly number[];
  readonly isPinned: boolean;
}

export function chooseCores(wanted: boolean): Cores {
  const all = allowedCores();
  const [first, ...rest] = all;
  if (!wanted || first === undefined || rest.length === 0 || !hasTaskset())
    return { bridge: all, load: all, isPinned: false };
  return { bridge: [first], load: rest, isPinned: true };
}

/** Runs `start` on these cores: what it starts stays there, and this process goes back. */
export async function startOn<T>(cores: Cores, which: "bridge" | "load", start: () => Promise<T>): Promise<T> {
  moveTo(cores, process.pid, cores[which]);
  try {
    return await start();
  } finally {
    moveTo(cores, process.pid, cores.load);
  }
}

/** Moves a process that runs already, with all its threads. */
export function moveTo(cores: Cores, pid: number, to: readonly number[]): void {
  if (!cores.isPinned) return;
  execFileSync("taskset", ["-a", "-c", "-p", to.join(","), String(pid)], { stdio: ["ignore", "ignore", "pipe"] });
}

function hasTaskset(): boolean {
  try {
    execFileSync("taskset", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
