// The world as the stage sees it: a process to ask, to kill and to start again at the same address.

import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Answer, Question } from "./messages.js";
import { PARENT_VARIABLE, READY_ID, SETTINGS_VARIABLE } from "./messages.js";
import type { World, WorldSettings } from "./world.js";

const MAIN = fileURLToPath(new URL("world-main.ts", import.meta.url));
const PROJECT = fileURLToPath(new URL("../..", import.meta.url));
/** Starting compiles the bridge's sources. */
const START_MAX_MS = 30_000;
const ANSWER_MAX_MS = 10_000;
const END_MAX_MS = 5000;

type Settle = (answer: Answer) => void;

export class WorldProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #open = new Map<number, Settle>();
  #lastId = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      const ended = (): void => {
        resolve();
        for (const [id, settle] of this.#open) settle({ id, error: "the world has ended" });
      };
      child.once("exit", ended).once("error", ended);
    });
    child.on("message", (answer: Answer) => this.#open.get(answer.id)?.(answer));
  }

  /** Resolves when the bridge listens. */
  static async start(settings: WorldSettings): Promise<WorldProcess> {
    const child = fork(MAIN, {
      cwd: PROJECT,
      execPath: process.versions["bun"] === undefined ? process.execPath : "node",
      execArgv: ["--import", "tsx"],
      env: {
        PATH: process.env["PATH"],
        [SETTINGS_VARIABLE]: JSON.stringify(settings),
        [PARENT_VARIABLE]: String(process.pid),
      },
    });
    const world = new WorldProcess(child);
    try {
      await world.#answer(READY_ID, START_MAX_MS);
      return world;
    } catch (error) {
      await world.kill();
      throw error;
    }
  }

  ask<Name extends keyof World>(what: Name, ...about: Parameters<World[Name]>): ReturnType<World[Name]> {
    this.#lastId += 1;
    const question: Question = { id: this.#lastId, what, about };
    const answer = this.#answer(question.id, ANSWER_MAX_MS);
    this.#child.send(question, () => {});
    return answer as ReturnType<World[Name]>;
  }

  /** Without a word, as when the machine runs out of memory. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  /** In order. */
  async leave(): Promise<void> {
    await this.ask("leave").catch(() => {});
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), END_MAX_MS);
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.#exited;
    clearTimeout(timer);
  }

  #answer(id: number, limitMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const settle: Settle = ({ value, error }) => {
        this.#open.delete(id);
        clearTimeout(timer);
        if (error === undefined) resolve(value);
        else reject(new Error(error));
      };
      const timer = setTimeout(() => settle({ id, error: `no answer within ${limitMs} ms` }), limitMs);
      this.#open.set(id, settle);
    });
  }
}
