// Where the server listens: a unix socket, and only that, when one is configured; else a TCP port.

import { chmodSync, lstatSync, mkdirSync, unlinkSync } from "node:fs";
import { connect } from "node:net";
import { dirname, resolve } from "node:path";
import { BridgeError } from "../errors.js";

export interface ListenConfig {
  readonly socketPath: string | undefined;
  /** Octal permissions of the socket file. */
  readonly socketMode: number;
  readonly host: string;
  readonly port: number;
}

const PROBE_TIMEOUT_MS = 500;

/** Makes the address usable and returns it in gRPC's notation. A stale socket file goes, a living one is left alone. */
export async function prepareAddress(config: ListenConfig): Promise<string> {
  if (config.socketPath === undefined) {
    const host = config.host.includes(":") ? `[${config.host}]` : config.host;
    return `${host}:${config.port}`;
  }
  const path = pathOf(config.socketPath);
  mkdirSync(dirname(path), { recursive: true });
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found && !found.isSocket()) {
    throw new BridgeError("address_invalid", `LIVEKIT_GRPC_SOCKET is not a socket and is left alone: ${path}`);
  }
  if (found && (await isAnswered(path))) {
    throw new BridgeError("address_in_use", `address in use: somebody answers on unix socket ${path}`);
  }
  if (found) unlinkSync(path);
  return `unix:${path}`;
}

/** Sets the permissions once the file exists. */
export function finishAddress(config: ListenConfig): void {
  if (config.socketPath !== undefined) chmodSync(pathOf(config.socketPath), config.socketMode);
}

/** Clients write the address with `unix:` in front; here it may be written so too. */
function pathOf(socketPath: string): string {
  return resolve(socketPath.replace(/^unix:/, ""));
}

export function isLoopback(config: ListenConfig): boolean {
  return config.socketPath !== undefined || isLoopbackHost(config.host);
}

export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(path);
    const answer = (isLiving: boolean) => {
      socket.destroy();
      done(isLiving);
    };
    socket.setTimeout(PROBE_TIMEOUT_MS, () => answer(true));
    socket.once("connect", () => answer(true));
    // Only these say that nobody is there; a full backlog (EAGAIN) or missing rights (EACCES) say the contrary.
    socket.once("error", ({ code }: NodeJS.ErrnoException) => answer(code !== "ECONNREFUSED" && code !== "ENOENT"));
  });
}
