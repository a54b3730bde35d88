// JavaScript memory: what a session holds, and what a join and leave leave behind. Rooms are in memory, so the other side of
// each room counts as well. Before each look everything that can be collected is collected.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { join, leave, startStage } from "./supervisor.js";

export interface HeapFigures {
  readonly sessions: number;
  readonly kbPerSession: number;
  readonly cycles: number;
  readonly kbPerJoinAndLeave: number;
  /** What a pause of about as long, in which nobody joins, seems to leave behind: what the other figure is worth. */
  readonly controlKbPerJoinAndLeave: number;
}

const SESSIONS = 200;
const WARM_UP = 500;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

async function heapKb(): Promise<number> {
  for (let i = 0; i < 4; i += 1) {
    await pause(50);
    collect();
  }
  return process.memoryUsage().heapUsed / 1024;
}

export async function heap(cycles: number): Promise<HeapFigures> {
  const { harness, cycle, spare } = await startStage(0, SESSIONS);
  for (let i = 0; i < WARM_UP; i += 1) await cycle();
  const beforeKb = await heapKb();
  const startMs = performance.now();
  for (let i = 0; i < cycles; i += 1) await cycle();
  const tookMs = performance.now() - startMs;
  const afterKb = await heapKb();
  await pause(tookMs);
  const controlKb = await heapKb();

  for (const [user, token] of spare) await join(harness, user, token);
  const fullKb = await heapKb();
  for (const [user] of spare) await leave(harness, user);
  await harness.stop();
  return {
    sessions: SESSIONS,
    kbPerSession: (fullKb - controlKb) / SESSIONS,
    cycles,
    kbPerJoinAndLeave: (afterKb - beforeKb) / cycles,
    controlKbPerJoinAndLeave: (controlKb - afterKb) / cycles,
  };
}

export function printHeap(figures: HeapFigures): string {
  const { sessions, kbPerSession, cycles, kbPerJoinAndLeave, controlKbPerJoinAndLeave } = figures;
  return [
    "JavaScript heap after collection, rooms in memory included",
    `  a session holds            ${kbPerSession.toFixed(1).padStart(8)} KB  (${sessions} sessions without streams)`,
    `  a join and leave leave     ${kbPerJoinAndLeave.toFixed(3).padStart(8)} KB  (${cycles} of them, one after another)`,
    `  control: nobody joins      ${controlKbPerJoinAndLeave.toFixed(3).padStart(8)} KB  (a pause of as long)`,
  ].join("\n");
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
