// A phone, on a wire that can be cut. Its app can be killed and opened again.

import type { LogBook } from "./log-book.js";
import type { Wire } from "./network.js";
import type { PhoneInput } from "./phone-program.js";
import type { Program } from "./program.js";
import { startProgram } from "./program.js";

export interface PhoneHostOptions {
  readonly namespace: string;
  readonly source: string;
  readonly book: LogBook;
  readonly input: Omit<PhoneInput, "token">;
  /** To everybody; the phone's end is the first. */
  readonly wire: Wire;
}

export class PhoneHost {
  readonly wire: Wire;
  readonly #options: PhoneHostOptions;
  #program: Program | undefined;

  constructor(options: PhoneHostOptions) {
    this.wire = options.wire;
    this.#options = options;
  }

  /** The app is opened: it joins with the token that the cloud gave it, and speaks. */
  async open(token?: string): Promise<void> {
    const { input, ...rest } = this.#options;
    const withToken = token === undefined ? input : { ...input, token };
    this.#program = await startProgram({ ...rest, file: "phone-program.ts", input: withToken });
    await this.#program.reported("joined");
  }

  get program(): Program {
    if (!this.#program) throw new Error("the app is not open");
    return this.#program;
  }

  get isOpen(): boolean {
    return this.#program?.isRunning ?? false;
  }

  async microphone(isOn: boolean): Promise<void> {
    await this.program.ask({ do: "microphone", on: isOn });
  }

  /** Packets that it had no room for, or that waited too long in it, since it was opened. */
  async unsent(): Promise<number> {
    return Number((await this.program.ask({ do: "unsent" }))["unsent"]);
  }

  /** Swiped away: no farewell. */
  async forceQuit(): Promise<void> {
    await this.#program?.kill();
    this.#program = undefined;
  }

  /** In order: LiveKit is told. */
  async close(): Promise<void> {
    if (!this.#program?.isRunning) return;
    await this.#program.ask({ do: "leave" }).catch(() => undefined);
    await this.forceQuit();
  }
}
