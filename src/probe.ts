#!/usr/bin/env node
// `livekit-bridge-probe [address]`: asks a running bridge for its health, for container and service managers.
// Exit code 0 when it serves; else 1 and one line that says what came instead.

import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { service } from "grpc-health-check";

const DEADLINE_MS = 2_000;
const DEFAULT_PORT = "9090";

/** An argument wins; else the address that the bridge itself takes from the same environment. */
function addressFrom(args: readonly string[], env: NodeJS.ProcessEnv): string {
  const [given] = args;
  if (given !== undefined) return given.startsWith("/") ? `unix:${given}` : given;
  const socket = env["LIVEKIT_GRPC_SOCKET"] ?? "";
  if (socket !== "") return socket.startsWith("unix:") ? socket : `unix:${socket}`;
  const port = env["PORT"] ?? "";
  return `${hostFrom(env["BRIDGE_HOST"] ?? "")}:${port === "" ? DEFAULT_PORT : port}`;
}

/** A server that listens on every address is asked on loopback. */
function hostFrom(host: string): string {
  if (host === "" || host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}

/** The serving status as the bridge words it. */
function checkHealth(address: string): Promise<string> {
  // A proxy of the environment is for the outside world; a probe looks at its own machine.
  const client = new Client(address, credentials.createInsecure(), { "grpc.enable_http_proxy": 0 });
  const check = service["Check"];
  if (check === undefined) return Promise.reject(new Error("the health service has no Check"));
  return new Promise<string>((resolve, reject) => {
    client.makeUnaryRequest(
      check.path,
      check.requestSerialize,
      check.responseDeserialize,
      { service: "" },
      { deadline: Date.now() + DEADLINE_MS },
      (error: ServiceError | null, response?: object) => {
        if (error !== null) reject(error);
        else resolve(String((response as { readonly status?: unknown }).status));
      },
    );
  }).finally(() => client.close());
}

async function main(): Promise<number> {
  const address = addressFrom(process.argv.slice(2), process.env);
  try {
    const status = await checkHealth(address);
    process.stdout.write(`livekit-grpc-bridge at ${address}: ${status}\n`);
    return status === "SERVING" ? 0 : 1;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    process.stdout.write(`livekit-grpc-bridge at ${address} does not answer: ${text.split("\n")[0]}\n`);
    return 1;
  }
}

process.exitCode = await main();
