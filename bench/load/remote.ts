// A program of the load in a process of its own, as main sees it.

import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Answer, Duties } from "./serve.js";

export type ProgramName = "phones" | "lean-phones" | "cloud" | "receiver" | "ears" | "direct";

const STOP_MAX_MS = 3000;
const ANSWER_MAX_MS = 120_000;

interface Waiter {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export class Remote<D extends Duties> {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #waiters = new Map<number, Waiter>();
  #lastId = 0;
  #end: Error | undefined;

  constructor(program: ProgramName, name: string) {
    this.name = name;
    const path = fileURLToPath(new URL(`programs/${program}.ts`, import.meta.url));
    this.#child = fork(path, [], {
      execArgv: ["--import", "tsx"],
      serialization: "advanced",
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      // In production rtc-node does not write its doings to stdout.
      env: { ...process.env, NODE_ENV: "production" },
    });
    this.#child.on("message", (answer: Answer) => this.#answered(answer));
    this.#child.once("error", (error) => this.#over(error));
    this.#exited = new Promise((resolve) => {
      this.#child.once("exit", (code, signal) => {
        this.#over(new Error(`the process of the ${name} ended (${signal ?? code})`));
        resolve();
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  ask<K extends keyof D & string>(
    duty: K,
    input: Parameters<D[K]>[0],
    limitMs = ANSWER_MAX_MS,
  ): Promise<Awaited<ReturnType<D[K]>>> {
    const answer = new Promise((resolve, reject) => {
      if (this.#end) return reject(this.#end);
      this.#lastId += 1;
      const id = this.#lastId;
      const late = () =>
        this.#waiters.delete(id) && reject(new Error(`${this.name}: no answer to ${duty} in ${limitMs} ms`));
      this.#waiters.set(id, { resolve, reject, timer: setTimeout(late, limitMs) });
      this.#child.send({ id, duty, input });
    });
    return answer as Promise<Awaited<ReturnType<D[K]>>>;
  }

  /** SIGTERM, then SIGKILL. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MAX_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #answered(answer: Answer): void {
    const waiter = this.#waiters.get(answer.id);
    if (!waiter) return;
    this.#waiters.delete(answer.id);
    clearTimeout(waiter.timer);
    if ("error" in answer) waiter.reject(new Error(`${this.name}: ${answer.error}`));
    else waiter.resolve(answer.value);
  }

  #over(error: Error): void {
    this.#end ??= error;
    for (const { reject, timer } of this.#waiters.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#waiters.clear();
  }
}
