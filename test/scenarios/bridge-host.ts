// A machine with a bridge on it: the compiled one, as it runs in production. The bridge can be killed and started again at
// the same address.

import type { BridgeProcess } from "../support/bridge-process.js";
import { startBridgeProcess } from "../support/bridge-process.js";
import type { HealthResult, TestClient } from "../support/old-client.js";
import { createTestClient } from "../support/old-client.js";
import type { LogBook } from "./log-book.js";

export interface BridgeHostOptions {
  readonly namespace: string;
  readonly book: LogBook;
  /** Names its lines in the log book. */
  readonly source: string;
  readonly host: string;
  /** Where it reaches the test process. It may play what is served there. */
  readonly watcherHost: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Free in every namespace. */
export const BRIDGE_PORT = 9090;

export class BridgeHost {
  readonly namespace: string;
  readonly source: string;
  readonly host: string;
  readonly address: string;
  /** What the test process asks it with. */
  readonly client: TestClient;
  readonly #options: BridgeHostOptions;
  #process: BridgeProcess | undefined;

  constructor(options: BridgeHostOptions) {
    this.namespace = options.namespace;
    this.source = options.source;
    this.#options = options;
    this.host = options.host;
    this.address = `${options.host}:${BRIDGE_PORT}`;
    this.client = createTestClient(this.address, {
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 500,
    });
  }

  async start(): Promise<void> {
    const { namespace, book, source, env, watcherHost } = this.#options;
    const own = { PORT: String(BRIDGE_PORT), BRIDGE_HOST: "0.0.0.0", BRIDGE_AUDIO_ALLOWED: watcherHost };
    this.#process = await startBridgeProcess(
      { ...own, NODE_ENV: "production", ...env },
      { namespace, onLine: (line) => book.add(source, line) },
    );
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.signal(signal);
  }

  /** Without a word, as out of memory. */
  async kill(): Promise<void> {
    this.#process?.signal("SIGKILL");
    await this.#process?.exited;
    this.#process = undefined;
  }

  /** What its last start took. */
  get startedInMs(): number {
    return this.#process?.startedInMs ?? 0;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** The exit code of an orderly end. */
  get exited(): Promise<number | NodeJS.Signals> | undefined {
    return this.#process?.exited;
  }

  health(): Promise<HealthResult> {
    return this.client.health();
  }

  async stop(): Promise<void> {
    this.client.close();
    this.#process?.signal("SIGCONT");
    await this.#process?.stop();
  }
}
