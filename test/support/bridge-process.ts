// The bridge as it runs in production: compiled, a process of its own, configured by its environment, read by its log.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { LogLine } from "./embedded-bridge.js";
import { eventually } from "./eventually.js";
import { freePort } from "./free-port.js";
import { inNamespace } from "./in-namespace.js";

export interface BridgeProcess {
  readonly address: string;
  readonly pid: number;
  /** From the spawn to listening. */
  readonly startedInMs: number;
  readonly logs: LogLine[];
  messages(): string[];
  signal(signal: NodeJS.Signals): void;
  /** Settles with the exit code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
  /** SIGTERM, then SIGKILL after 10 s. */
  stop(): Promise<void>;
}

export interface BridgeProcessOptions {
  /** The network namespace it runs in. This process's own when left out. */
  readonly namespace?: string;
  /** Gets every line it writes, on stdout and stderr. */
  readonly onLine?: (line: string) => void;
}

const MAIN = fileURLToPath(new URL("../../dist/main.js", import.meta.url));
const START_MAX_MS = 20_000;
/** The whole suite runs on either engine: the one that the tests' own environment names, or the default. */
const wanted = process.env["LIVEKIT_ENGINE"];
const engine: Record<string, string> = wanted === undefined ? {} : { LIVEKIT_ENGINE: wanted };

export async function startBridgeProcess(
  env: Record<string, string>,
  { namespace, onLine = () => {} }: BridgeProcessOptions = {},
): Promise<BridgeProcess> {
  const PORT = env["PORT"] ?? String(await freePort());
  const { file, args } = inNamespace(namespace, process.execPath, ["--enable-source-maps", MAIN]);
  const spawnedAtMs = performance.now();
  const child = spawn(file, args, {
    env: { PATH: process.env["PATH"], BRIDGE_HOST: "127.0.0.1", LOG_LEVEL: "debug", ...engine, ...env, PORT },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const logs: LogLine[] = [];
  const rest: string[] = [];
  readLines(child, logs, rest, onLine);
  const exited = new Promise<number | NodeJS.Signals>((done) =>
    child.once("exit", (code, signal) => done(signal ?? code ?? -1)),
  );
  const killAtExit = () => child.kill("SIGKILL");
  process.once("exit", killAtExit);
  void exited.then(() => process.off("exit", killAtExit));
  const listening = () => logs.find(({ message }) => message === "Bridge listening");
  const isUp = () => listening() !== undefined || child.exitCode !== null;
  await eventually("the bridge listening", isUp, START_MAX_MS);
  const line = listening();
  if (!line) throw new Error(`the bridge did not start:\n${rest.join("\n")}`);
  return {
    address: env["LIVEKIT_GRPC_SOCKET"] ? `unix:${env["LIVEKIT_GRPC_SOCKET"]}` : String(line["address"]),
    pid: child.pid ?? 0,
    startedInMs: performance.now() - spawnedAtMs,
    logs,
    messages: () => logs.map(({ message }) => message),
    signal: (signal) => void child.kill(signal),
    exited,
    async stop() {
      child.kill("SIGTERM");
      const timer = setTimeout(killAtExit, 10_000);
      await exited;
      clearTimeout(timer);
    },
  };
}

function readLines(child: ChildProcess, logs: LogLine[], rest: string[], onLine: (line: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on("line", (line) => {
      onLine(line);
      try {
        logs.push(JSON.parse(line) as LogLine);
      } catch {
        rest.push(line);
      }
    });
  }
}
