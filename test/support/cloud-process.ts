import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { eventually } from "./eventually.js";
import type { JoinParams } from "./old-client.js";

const MAIN = fileURLToPath(new URL("cloud-main.ts", import.meta.url));

export interface CloudProcess {
  readonly lines: string[];
  signal(signal: NodeJS.Signals): void;
  readonly exited: Promise<void>;
}

/** Starts a cloud that joins `params` and streams; resolves when its stream is attached. */
export async function startCloudProcess(address: string, params: JoinParams): Promise<CloudProcess> {
  const child = spawn(process.execPath, ["--import", "tsx", MAIN, address, JSON.stringify(params)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  const killAtExit = () => child.kill("SIGKILL");
  process.once("exit", killAtExit);
  const exited = new Promise<void>((done) => {
    child.once("exit", () => {
      process.off("exit", killAtExit);
      done();
    });
  });
  await eventually("the cloud's stream", () => lines.includes("joined") || child.exitCode !== null, 15_000);
  return { lines, signal: (signal) => void child.kill(signal), exited };
}
