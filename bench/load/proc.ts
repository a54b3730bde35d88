// What Linux says of processes and of the machine: /proc and nothing else.

import { readdirSync, readFileSync } from "node:fs";

const TICK_MS = 10;

export interface CpuTime {
  readonly userMs: number;
  readonly systemMs: number;
}

export interface Stock {
  readonly residentMb: number;
  readonly threads: number;
  /** Open file descriptors; not a number where they are somebody else's. */
  readonly files: number;
}

/** A process and everything below it. */
export function processTree(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(statFields(Number(name))?.[1] ?? 0);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const tree = [pid];
  for (const each of tree) tree.push(...(children.get(each) ?? []));
  return tree;
}

export function isAlive(pid: number): boolean {
  return statFields(pid) !== undefined;
}

/** Of the whole tree, children that have ended included; or of the process alone. */
export function cpuTimeOf(pid: number, isAlone = false): CpuTime {
  const sum = { userMs: 0, systemMs: 0 };
  for (const each of isAlone ? [pid] : processTree(pid)) {
    const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = (statFields(each) ?? []).slice(11, 15).map(Number);
    sum.userMs += (user + (isAlone ? 0 : endedUser)) * TICK_MS;
    sum.systemMs += (system + (isAlone ? 0 : endedSystem)) * TICK_MS;
  }
  return sum;
}

export function stockOf(pid: number): Stock {
  const sum = { residentMb: 0, threads: 0, files: 0 };
  for (const each of processTree(pid)) {
    const status = readText(`/proc/${each}/status`);
    sum.residentMb += Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
    sum.threads += Number(/^Threads:\s+(\d+)$/m.exec(status)?.[1] ?? 0);
    sum.files += countOf(`/proc/${each}/fd`);
  }
  return sum;
}

export interface CoreTime {
  readonly busyMs: number;
  /** Taken by the host of a virtual machine. */
  readonly stolenMs: number;
}

/** By number of the core. */
export function coreTimes(text = readText("/proc/stat")): Map<number, CoreTime> {
  const cores = new Map<number, CoreTime>();
  for (const [, core, rest = ""] of text.matchAll(/^cpu(\d+) (.*)$/gm)) {
    const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] = rest.split(" ").map(Number);
    const busyMs = (user + nice + system + irq + softIrq) * TICK_MS;
    cores.set(Number(core), { busyMs, stolenMs: steal * TICK_MS });
  }
  return cores;
}

export interface Pressure {
  /** Percent of the last 10 s in which something that could run had to wait. */
  readonly avg10: number;
  /** Such time since the machine started. */
  readonly waitedMs: number;
}

/** Undefined where the kernel does not tell. */
export function cpuPressure(text = readText("/proc/pressure/cpu")): Pressure | undefined {
  const match = /^some avg10=([\d.]+) .*total=(\d+)$/m.exec(text);
  return match ? { avg10: Number(match[1]), waitedMs: Number(match[2]) / 1000 } : undefined;
}

/** The cores that a process may use, by its `/proc/<pid>/status`; this one's by default. */
export function allowedCores(text = statusOf("self")): number[] {
  const list = /^Cpus_allowed_list:\s+(\S+)$/m.exec(text)?.[1] ?? "";
  return list.split(",").flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split("-").map(Number);
    return Number.isNaN(first) ? [] : Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

export function statusOf(pid: number | "self"): string {
  return readText(`/proc/${pid}/status`);
}

/** Fields from the third on, the state: the second may hold spaces and brackets. */
function statFields(pid: number): string[] | undefined {
  const text = readText(`/proc/${pid}/stat`);
  return text === "" ? undefined : text.slice(text.lastIndexOf(")") + 2).split(" ");
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function countOf(folder: string): number {
  try {
    return readdirSync(folder).length;
  } catch {
    return Number.NaN;
  }
}
