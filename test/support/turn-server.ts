// A TURN server for tests: coturn, relaying datagrams between its one address and whoever can be reached from there.

import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { Certificate } from "./certificate.js";
import { eventually } from "./eventually.js";
import { inNamespace } from "./in-namespace.js";

export interface TurnServer {
  readonly host: string;
  /** Over UDP and TCP. */
  readonly port: number;
  readonly tlsPort: number;
  readonly username: string;
  readonly credential: string;
  stop(): Promise<void>;
}

export interface TurnServerOptions {
  readonly namespace: string;
  /** Where it listens, and where it relays from; this process has to reach it. */
  readonly address: string;
  /** Without one it does not speak TLS. */
  readonly certificate?: Certificate | undefined;
}

const PORT = 3478;
const TLS_PORT = 5349;
const USERNAME = "bridge";
const CREDENTIAL = "a-credential-of-tests";
const START_MAX_MS = 10_000;

/** Resolves when it listens. */
export async function startTurnServer({ namespace, address, certificate }: TurnServerOptions): Promise<TurnServer> {
  const { file, args } = inNamespace(namespace, "turnserver", [
    // No file of configuration, and none to write to.
    "-n",
    "--log-file=stdout",
    "--pidfile=/dev/null",
    "--no-cli",
    ...(certificate
      ? [`--tls-listening-port=${TLS_PORT}`, `--cert=${certificate.certFile}`, `--pkey=${certificate.keyFile}`]
      : ["--no-tls"]),
    "--no-dtls",
    `--listening-ip=${address}`,
    `--relay-ip=${address}`,
    `--listening-port=${PORT}`,
    "--lt-cred-mech",
    "--realm=bridge.test",
    `--user=${USERNAME}:${CREDENTIAL}`,
  ]);
  const child = spawn(file, args, { stdio: "ignore" });
  const exited = once(child, "exit");
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
  };
  try {
    await untilItAnswers(address);
  } catch (error) {
    await stop();
    throw error;
  }
  return { host: address, port: PORT, tlsPort: TLS_PORT, username: USERNAME, credential: CREDENTIAL, stop };
}

/** Asks for a binding, the simplest of its services (RFC 8489), again and again. */
async function untilItAnswers(address: string): Promise<void> {
  const request = Buffer.alloc(20);
  request.writeUInt16BE(0x0001, 0);
  request.writeUInt32BE(0x2112_a442, 4);
  const socket = createSocket("udp4");
  let isAnswered = false;
  socket.on("error", () => undefined);
  socket.once("message", () => (isAnswered = true));
  const ask = () => {
    socket.send(request, PORT, address, () => undefined);
    return isAnswered;
  };
  try {
    await eventually("coturn answers", ask, START_MAX_MS);
  } finally {
    socket.close();
  }
}
