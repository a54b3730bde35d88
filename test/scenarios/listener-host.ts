// Somebody else in a user's room: see the program.

import { eventually } from "../support/eventually.js";
import type { Program, ProgramOptions } from "./program.js";
import { startProgram } from "./program.js";

const HEARD_MAX_MS = 25_000;
const LOOK_EVERY_MS = 50;

export class Listener {
  readonly #program: Program;

  private constructor(program: Program) {
    this.#program = program;
  }

  static async start(options: Omit<ProgramOptions, "file">): Promise<Listener> {
    return new Listener(await startProgram({ ...options, file: "listener-program.ts" }));
  }

  /** Unix time in milliseconds of the first packet that was sent after `sinceMs`. */
  async heardSince(sinceMs: number): Promise<number> {
    let heardAtMs: unknown;
    let nextLookMs = 0;
    const isHeard = async () => {
      if (performance.now() < nextLookMs) return false;
      nextLookMs = performance.now() + LOOK_EVERY_MS;
      ({ heardAtMs } = await this.#program.ask({ do: "since", sinceMs }));
      return heardAtMs !== undefined;
    };
    await eventually("the phone heard in its room", isHeard, HEARD_MAX_MS);
    return Number(heardAtMs);
  }

  /** What was audible on a track since then, a Unix time in milliseconds. */
  async sound(track: string, sinceMs: number): Promise<{ audibleMs: number; frequencyHz: number }> {
    const answer = await this.#program.ask({ do: "sound", track, sinceMs });
    return { audibleMs: Number(answer["audibleMs"]), frequencyHz: Number(answer["frequencyHz"]) };
  }

  async leave(): Promise<void> {
    if (!this.#program.isRunning) return;
    await this.#program.ask({ do: "leave" });
    await this.#program.kill();
  }
}
