// A machine with a cloud on it, on a wire that can be cut. The cloud is a process that can be killed and started again.

import { readFileSync } from "node:fs";
import type { TcpProxy } from "../support/tcp-proxy.js";
import { BRIDGE_PORT } from "./bridge-host.js";
import type { LogBook } from "./log-book.js";
import type { Wire } from "./network.js";
import type { Program, Report } from "./program.js";
import { startProgram } from "./program.js";
import type { ReceptionReport } from "./reception.js";

export interface CloudHostOptions {
  readonly file: string;
  readonly namespace: string;
  readonly source: string;
  readonly book: LogBook;
  readonly input: object;
  readonly env: Readonly<Record<string, string>>;
  /** To everybody; the cloud's end is the first. */
  readonly wire: Wire;
  /** On its way to the bridge, if there is one. */
  readonly proxy: TcpProxy | undefined;
}

/** What the glasses get when they connect. */
export interface InitAnswer {
  readonly url: string;
  readonly roomName: string;
  readonly token: string;
}

export class CloudHost {
  readonly wire: Wire;
  readonly proxy: TcpProxy | undefined;
  readonly namespace: string;
  readonly source: string;
  readonly #options: CloudHostOptions;
  #program: Program | undefined;
  #tokensRead = 0;

  constructor(options: CloudHostOptions) {
    this.wire = options.wire;
    this.proxy = options.proxy;
    this.namespace = options.namespace;
    this.source = options.source;
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#tokensRead = 0;
    this.#program = await startProgram(this.#options);
  }

  get isRunning(): boolean {
    return this.#program?.isRunning === true;
  }

  get program(): Program {
    if (!this.#program) throw new Error(`${this.source} is not running`);
    return this.#program;
  }

  /** The glasses of a user connect, for the first time or again. Null when the cloud has nothing to give them. */
  async init(user: string): Promise<InitAnswer | undefined> {
    const { init } = await this.ask("init", { user });
    return init as InitAnswer | undefined;
  }

  async reception(user: string): Promise<ReceptionReport> {
    const { reception } = await this.ask("status", { user });
    return (reception as ReceptionReport | undefined) ?? NOTHING_HEARD;
  }

  async ask(what: string, fields: object = {}): Promise<Report> {
    const answer = await this.program.ask({ do: what, ...fields });
    this.#readTokens();
    return answer;
  }

  /** TCP connections to the bridge that are open. */
  connections(): number {
    return connectionsOf(this.program.pid);
  }

  signal(signal: NodeJS.Signals): void {
    this.program.signal(signal);
  }

  async kill(): Promise<void> {
    this.#readTokens();
    await this.#program?.kill();
    this.#program = undefined;
  }

  /** Whatever the cloud has minted must be in nobody's log; the last part alone would be enough to tell a token by. */
  #readTokens(): void {
    const { reports } = this.#program ?? { reports: [] };
    for (; this.#tokensRead < reports.length; this.#tokensRead += 1) {
      const token = reports[this.#tokensRead]?.["token"];
      if (typeof token === "string") this.#options.book.addSecret(token.split(".")[2] ?? "");
    }
  }
}

/** Connections to the bridge's port, of whatever process in the namespace of this one. */
function connectionsOf(pid: number): number {
  const tables = ["tcp", "tcp6"].map((name) => readFileSync(`/proc/${pid}/net/${name}`, "utf8"));
  const rows = tables.flatMap((table) => table.split("\n").slice(1)).map((row) => row.trim().split(/\s+/));
  const port = BRIDGE_PORT.toString(16).toUpperCase().padStart(4, "0");
  return rows.filter(([, , remote = "", state]) => remote.endsWith(`:${port}`) && state === ESTABLISHED).length;
}

const ESTABLISHED = "01";

const NOTHING_HEARD: ReceptionReport = {
  received: 0,
  firstNumber: undefined,
  lastNumber: undefined,
  firstAtMs: undefined,
  lastAtMs: undefined,
  outOfOrder: 0,
  lost: 0,
  foreign: 0,
  silences: [],
};
