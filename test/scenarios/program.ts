// A program of a scenario: a process in a namespace that is told what to do by lines on stdin and says on stdout what
// happens. Every line is JSON: its log, or a report, which has a field `report`. It ends when its stdin does, so nothing
// outlives the scenario.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { eventually } from "../support/eventually.js";
import { inNamespace } from "../support/in-namespace.js";
import type { LogBook } from "./log-book.js";

export interface Report {
  readonly report: string;
  readonly [field: string]: unknown;
}

export interface Program {
  readonly pid: number;
  readonly reports: readonly Report[];
  /** Tells it something; the answer is the report that carries the command's id. Rejects when it says `error`, or ends. */
  ask(command: { readonly do: string; readonly [field: string]: unknown }, limitMs?: number): Promise<Report>;
  /** The first report of this kind, now or later, after the first `skip` ones. */
  reported(report: string, options?: { limitMs?: number; skip?: number }): Promise<Report>;
  count(report: string): number;
  signal(signal: NodeJS.Signals): void;
  kill(): Promise<void>;
  readonly isRunning: boolean;
  readonly exited: Promise<void>;
}

export interface ProgramOptions {
  /** File in this folder. */
  readonly file: string;
  readonly namespace: string;
  /** Names its lines in the log book. */
  readonly source: string;
  readonly book: LogBook;
  /** Handed to it as its only argument. */
  readonly input: object;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starting includes compiling, on a machine that is busy with other programs. */
export const START_MAX_MS = 20_000;
const ANSWER_MAX_MS = 25_000;

/** Resolves when it has reported `ready`. */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  const main = fileURLToPath(new URL(options.file, import.meta.url));
  const argument = JSON.stringify(options.input);
  const { file, args } = inNamespace(options.namespace, process.execPath, ["--import", "tsx", main, argument]);
  // Native code that is loaded in production keeps its log to itself.
  const env = { PATH: process.env["PATH"], NODE_ENV: "production", ...options.env };
  const child = spawn(file, args, { env, stdio: ["pipe", "pipe", "pipe"] });
  const program = new RunningProgram(child, options);
  try {
    await program.reported("ready", { limitMs: START_MAX_MS });
  } catch (cause) {
    await program.kill();
    throw new Error(`${options.source} did not start:\n${options.book.tail(options.source)}`, { cause });
  }
  return program;
}

class RunningProgram implements Program {
  readonly reports: Report[] = [];
  readonly exited: Promise<void>;
  readonly #child: ChildProcess;
  readonly #options: ProgramOptions;
  #isRunning = true;
  #mayEnd = false;
  #lastId = 0;

  constructor(child: ChildProcess, options: ProgramOptions) {
    this.#child = child;
    this.#options = options;
    this.exited = new Promise((resolve) => {
      child.once("close", () => {
        this.#isRunning = false;
        if (!this.#mayEnd) options.book.violations.push(`${options.source} ended by itself`);
        resolve();
      });
    });
    child.stdin?.on("error", () => undefined);
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) createInterface({ input: stream }).on("line", (line) => this.#read(line));
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  async ask(command: { readonly do: string }, limitMs = ANSWER_MAX_MS): Promise<Report> {
    const id = (this.#lastId += 1);
    this.#child.stdin?.write(`${JSON.stringify({ ...command, id })}\n`);
    const answer = await this.#find(`answer to ${command.do}`, (report) => report["id"] === id, limitMs);
    if (answer.report === "error") throw new Error(`${this.#options.source}: ${String(answer["error"])}`);
    return answer;
  }

  reported(name: string, { limitMs = ANSWER_MAX_MS, skip = 0 } = {}): Promise<Report> {
    let seen = 0;
    return this.#find(`report "${name}"`, ({ report }) => report === name && (seen += 1) > skip, limitMs);
  }

  count(name: string): number {
    return this.reports.filter(({ report }) => report === name).length;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    this.#mayEnd = true;
    this.#child.kill("SIGKILL");
    await this.exited;
  }

  async #find(what: string, isIt: (report: Report) => boolean, limitMs: number): Promise<Report> {
    let next = 0;
    let found: Report | undefined;
    const isThere = () => {
      for (; next < this.reports.length && !found; next += 1) {
        const report = this.reports[next];
        if (report && isIt(report)) found = report;
      }
      return found !== undefined || !this.#isRunning;
    };
    await eventually(`${this.#options.source}: ${what}`, isThere, limitMs);
    if (!found) throw new Error(`${this.#options.source} ended before its ${what}`);
    return found;
  }

  #read(line: string): void {
    const report = asReport(line);
    if (report) this.reports.push(report);
    else this.#options.book.add(this.#options.source, line);
  }
}

function asReport(line: string): Report | undefined {
  if (!line.startsWith(`{"report":`)) return undefined;
  return JSON.parse(line) as Report;
}
