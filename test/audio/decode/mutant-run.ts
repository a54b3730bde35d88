// Decodes mutants one after the other and watches: no error but a DecodeError, no mutant above its time, no block of the
// event loop, no sample that is none, and no memory kept. A watchdog in a thread of its own names the seed when a step
// never returns.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Worker } from "node:worker_threads";
import { DecodeError } from "../../../src/audio/decode/decode.js";
import { inChunks, open, idleBlockMs, watchLoop } from "./harness.js";
import type { MutatedFormat } from "./mutations.js";
import { diceOf, goodFilesOf, mutantOf } from "./mutations.js";

const HANG_MS = 1_000;
/** Beyond what an idle loop needs in the same run. */
const BLOCK_MS = 20;
const CONTROL_MS = 500;
const WATCHDOG_MS = 20_000;

export interface MutantReport {
  readonly format: MutatedFormat;
  readonly count: number;
  readonly played: number;
  readonly refused: Readonly<Record<string, number>>;
  /** One line for each broken promise, with its seed. */
  readonly faults: readonly string[];
  readonly slowestMs: number;
  /** Of the best try of each mutant; so many were tried more than once. */
  readonly longestBlockMs: number;
  readonly triedAgain: number;
  /** The same loop doing nothing but wait, for as long. */
  readonly controlBlockMs: number;
  readonly keptBytes: number;
  readonly tookMs: number;
}

interface Outcome {
  readonly end: string;
  readonly fault: string | undefined;
  readonly tookMs: number;
  readonly blockMs: number;
  readonly tries: number;
}

export async function runMutants(format: MutatedFormat, seeds: readonly number[]): Promise<MutantReport> {
  const files = goodFilesOf(format);
  const watchdog = startWatchdog(format);
  const startedAtMs = performance.now();
  const refused: Record<string, number> = {};
  const faults: string[] = [];
  let [played, triedAgain, slowestMs, longestBlockMs, keptFrom] = [0, 0, 0, 0, 0];
  const blockMaxMs = BLOCK_MS + (await idleBlockMs(CONTROL_MS));
  for (const [index, seed] of seeds.entries()) {
    if (index === Math.min(50, seeds.length - 1)) keptFrom = await heldBytes();
    watchdog.beat(seed);
    const outcome = await confirmed(() => runMutant(mutantOf(files, format, seed), seed), blockMaxMs);
    if (outcome.end === "played") played += 1;
    else refused[outcome.end] = (refused[outcome.end] ?? 0) + 1;
    if (outcome.tries > 1) triedAgain += 1;
    slowestMs = Math.max(slowestMs, outcome.tookMs);
    longestBlockMs = Math.max(longestBlockMs, outcome.blockMs);
    const fault = outcome.fault ?? limitBroken(outcome, blockMaxMs);
    if (fault !== undefined) faults.push(`${format} seed ${seed}: ${fault}`);
  }
  await watchdog.stop();
  const tookMs = performance.now() - startedAtMs;
  const keptBytes = (await heldBytes()) - keptFrom;
  const controlBlockMs = await idleBlockMs(Math.min(1_000, tookMs));
  const times = { slowestMs, longestBlockMs, triedAgain, controlBlockMs, keptBytes, tookMs };
  return { format, count: seeds.length, played, refused, faults, ...times };
}

export const linesOf = (report: MutantReport) => {
  const { format, count, played, refused, slowestMs, longestBlockMs, controlBlockMs, keptBytes, tookMs } = report;
  const { triedAgain } = report;
  const ends = Object.entries(refused).map(([end, times]) => `${end} ${times}`);
  return [
    `${format}: ${count} mutants in ${(tookMs / 1000).toFixed(1)} s: played ${played}, ${ends.join(", ")}`,
    `  slowest ${slowestMs.toFixed(0)} ms, longest block ${longestBlockMs.toFixed(1)} ms (idle loop ` +
      `${controlBlockMs.toFixed(1)} ms, ${triedAgain} tried again), memory kept ${(keptBytes / 1_048_576).toFixed(2)} MB`,
    ...report.faults.map((fault) => `  FAULT ${fault}`),
  ].join("\n");
};

/** Time limits are tried again: another process may have had the processor, but not always at the same mutant. */
async function confirmed(run: () => Promise<Outcome>, blockMaxMs: number): Promise<Outcome> {
  let best = await run();
  for (
    let again = 1;
    again < 8 && best.fault === undefined && limitBroken(best, blockMaxMs) !== undefined;
    again += 1
  ) {
    await new Promise((resolve) => setTimeout(resolve, again * 50));
    const next = await run();
    best = {
      ...next,
      tookMs: Math.min(best.tookMs, next.tookMs),
      blockMs: Math.min(best.blockMs, next.blockMs),
      tries: again + 1,
    };
  }
  return best;
}

function limitBroken({ tookMs, blockMs }: Outcome, blockMaxMs: number): string | undefined {
  if (blockMs > blockMaxMs) return `held the event loop for ${blockMs.toFixed(1)} ms`;
  return tookMs > HANG_MS ? `took ${tookMs.toFixed(0)} ms` : undefined;
}

async function runMutant(bytes: Uint8Array, seed: number): Promise<Outcome> {
  const chunk = 1 + diceOf(~seed)(8_192);
  const startedAtMs = performance.now();
  const stop = watchLoop();
  let [end, fault]: [string, string | undefined] = ["played", undefined];
  try {
    fault = await playThrough(bytes, chunk);
  } catch (error) {
    if (error instanceof DecodeError) end = error.code;
    else fault = `threw ${String(error)}`;
    if (error instanceof DecodeError && (error.code === "internal" || error.message === "")) fault = String(error);
  }
  return { end, fault, tookMs: performance.now() - startedAtMs, blockMs: stop(), tries: 1 };
}

async function playThrough(bytes: Uint8Array, chunk: number): Promise<string | undefined> {
  const { samples, sampleRateHz, channels } = await open(inChunks(bytes, chunk), { preambleMaxBytes: 1_000_000 });
  if (![1, 2].includes(channels) || sampleRateHz < 8_000 || sampleRateHz > 192_000) return "a format that cannot be";
  let length = 0;
  for await (const piece of samples) {
    length += piece.length;
    if (!(piece instanceof Int16Array) || piece.length > (sampleRateHz * channels) / 10)
      return "a piece that cannot be";
  }
  return length === 0 || length % channels !== 0 ? `${length} samples in ${channels} channels` : undefined;
}

function startWatchdog(format: MutatedFormat) {
  const state = new Int32Array(new SharedArrayBuffer(8));
  const code = `
    const { workerData } = require("node:worker_threads");
    let last = -1;
    setInterval(() => {
      const beat = Atomics.load(workerData.state, 0);
      if (beat === last) {
        require("node:fs").writeSync(2, workerData.format + " seed " + Atomics.load(workerData.state, 1) + ": never returned\\n");
        process.kill(process.pid, "SIGKILL");
      }
      last = beat;
    }, ${WATCHDOG_MS});`;
  const worker = new Worker(code, { eval: true, workerData: { state, format } });
  return {
    beat(seed: number) {
      Atomics.add(state, 0, 1);
      Atomics.store(state, 1, seed);
    },
    stop: () => worker.terminate(),
  };
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

async function heldBytes(): Promise<number> {
  for (let round = 0; round < 4; round += 1) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
