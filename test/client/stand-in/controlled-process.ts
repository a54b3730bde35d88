// A process that obeys JSON lines, and never outlives the test: not when the test dies, not when it stands still.

import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { CommandLine, CommandName, Commands, ReplyLine } from "./control.js";
import { isWithin } from "./within.js";

const MAIN = fileURLToPath(new URL("stand-in-main.ts", import.meta.url));
/** Where `tsx` is found. */
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const ANSWER_MAX_MS = 10_000;
const END_MAX_MS = 2000;
const STDERR_TAIL_LENGTH_MAX = 8192;

interface Pending {
  done(value: unknown): void;
  failed(error: Error): void;
}

const alive = new Set<ControlledProcess>();
process.once("exit", () => {
  for (const child of alive) child.signal("SIGKILL");
});

export class ControlledProcess {
  readonly exited: Promise<void>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #stderr = "";
  #hasExited = false;
  #guard: { release(): void } | undefined;

  constructor() {
    const child = spawn(nodeBinary(), ["--import", "tsx", MAIN], {
      cwd: ROOT,
      env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "" },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#child = child;
    alive.add(this);
    this.exited = new Promise((done) => {
      const over = (why: string) => {
        this.#hasExited = true;
        this.#guard?.release();
        alive.delete(this);
        for (const { failed } of this.#pending.values()) failed(new Error(`the stand-in ${why}\n${this.#stderr}`));
        this.#pending.clear();
        done();
      };
      child.once("exit", (code, signal) => over(`ended (${signal ?? code})`));
      child.once("error", (error) => over(`did not start: ${error.message}`));
    });
    child.stdin.on("error", () => {});
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_TAIL_LENGTH_MAX);
    });
    createInterface({ input: child.stdout }).on("line", (line) => this.#heard(line));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get stderr(): string {
    return this.#stderr;
  }

  ask<Name extends CommandName>(
    command: Name,
    params: Commands[Name][0],
    limitMs: number = ANSWER_MAX_MS,
  ): Promise<Commands[Name][1]> {
    if (this.#hasExited) return Promise.reject(new Error(`the stand-in is gone\n${this.#stderr}`));
    const id = (this.#lastId += 1);
    return new Promise((done, failed) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        failed(new Error(`the stand-in did not answer "${command}" within ${limitMs} ms\n${this.#stderr}`));
      }, limitMs);
      this.#pending.set(id, {
        done(value) {
          clearTimeout(timer);
          done(value as Commands[Name][1]);
        },
        failed(error) {
          clearTimeout(timer);
          failed(error);
        },
      });
      const line: CommandLine<Name> = { id, command, params };
      this.#child.stdin.write(`${JSON.stringify(line)}\n`);
    });
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.#hasExited) this.#child.kill(signal);
  }

  /** A process that stands still does not notice that its stdin closes: while it does, somebody else watches for it. */
  freeze(): void {
    this.#guard ??= killWhenThisProcessEnds(this.pid);
    this.signal("SIGSTOP");
  }

  thaw(): void {
    this.signal("SIGCONT");
    this.#guard?.release();
    this.#guard = undefined;
  }

  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.exited;
  }

  async end(): Promise<void> {
    this.thaw();
    this.#child.stdin.end();
    if (!(await isWithin(this.exited, END_MAX_MS))) await this.kill();
  }

  #heard(line: string): void {
    const reply = JSON.parse(line) as ReplyLine;
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if ("error" in reply) pending?.failed(new Error(reply.error));
    else pending?.done(reply.value);
  }
}

/** The stand-in is a process of Node, whatever runs the tests. */
export function nodeBinary(): string {
  return process.versions["bun"] === undefined ? process.execPath : (process.env["NODE_BINARY"] ?? "node");
}

/** A shell waits for the end of a pipe that only this process holds open. */
function killWhenThisProcessEnds(pid: number): { release(): void } {
  const shell = spawn("sh", ["-c", 'read _; kill -9 "$0"', String(pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  shell.once("error", () => {});
  shell.stdin.on("error", () => {});
  return { release: () => void shell.kill("SIGKILL") };
}
