// The gRPC server: our service, the standard health service and reflection, on one address.

import { logVerbosity, Server, ServerCredentials, setLogVerbosity } from "@grpc/grpc-js";
import type { ServerOptions } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { HealthImplementation, protoPath as healthProtoPath } from "grpc-health-check";
import { BridgeError } from "../errors.js";
import type { Clock } from "../time.js";
import type { Backend } from "./backend.js";
import type { BridgeDefinition } from "./definition.js";
import { SERVICE_NAME } from "./definition.js";
import type { ListenConfig } from "./listen-address.js";
import { finishAddress, prepareAddress } from "./listen-address.js";
import { addReflection } from "./reflection.js";
import type { RpcStats } from "./rpc-stats.js";
import { countService } from "./rpc-stats.js";
import { createService } from "./service.js";

export interface GrpcServerConfig {
  readonly listen: ListenConfig;
  readonly messageMaxBytes: number;
  /** HTTP/2 pings from the server find a connection that was lost silently. */
  readonly keepaliveTimeMs: number;
  readonly keepaliveTimeoutMs: number;
  readonly concurrentStreamsMax: number;
  /** Counts calls and messages, for metrics. */
  readonly isCounted?: boolean;
}

export interface GrpcServer {
  /** One for each call of our service; none unless they are counted. */
  readonly rpcs: readonly RpcStats[];
  /** Listens; returns the port, 0 for a unix socket. */
  listen(): Promise<number>;
  setServing(isServing: boolean): void;
  /** Takes no more calls and waits for those open, at most `timeoutMs`; then ends them. */
  shutdown(timeoutMs: number): Promise<void>;
}

export function createGrpcServer(
  definition: BridgeDefinition,
  backend: Backend,
  config: GrpcServerConfig,
  clock: Clock,
): GrpcServer {
  const options: ServerOptions = {
    "grpc.max_receive_message_length": config.messageMaxBytes,
    "grpc.max_send_message_length": config.messageMaxBytes,
    "grpc.max_concurrent_streams": config.concurrentStreamsMax,
    "grpc.keepalive_time_ms": config.keepaliveTimeMs,
    "grpc.keepalive_timeout_ms": config.keepaliveTimeoutMs,
    "grpc.keepalive_permit_without_calls": 1,
  };
  // What the library would print by itself, in a form of its own, comes to us as errors as well.
  if (process.env["GRPC_VERBOSITY"] === undefined) setLogVerbosity(logVerbosity.NONE);
  const server = new Server(options);
  const rpcs = addService(server, definition, backend, config.isCounted ? clock : undefined);
  const health = new HealthImplementation({ "": "SERVING", [SERVICE_NAME]: "SERVING" });
  health.addToServer(server);
  addReflection(server, { ...definition.packageDefinition, ...loadSync(healthProtoPath) });

  async function listen(): Promise<number> {
    const address = await prepareAddress(config.listen);
    const port = await bind(server, address);
    finishAddress(config.listen);
    return config.listen.socketPath === undefined ? port : 0;
  }

  function shutdown(timeoutMs: number): Promise<void> {
    return new Promise((done) => {
      const timer = clock.setTimeout(() => {
        server.forceShutdown();
        done();
      }, timeoutMs);
      server.tryShutdown(() => {
        clock.clearTimeout(timer);
        server.forceShutdown();
        done();
      });
    });
  }

  return {
    rpcs,
    listen,
    setServing(isServing) {
      const status = isServing ? "SERVING" : "NOT_SERVING";
      health.setStatus("", status);
      health.setStatus(SERVICE_NAME, status);
    },
    shutdown,
  };
}

function addService(
  server: Server,
  { client }: BridgeDefinition,
  backend: Backend,
  countedBy: Clock | undefined,
): readonly RpcStats[] {
  const implementation = createService(backend);
  if (!countedBy) {
    server.addService(client.service, implementation);
    return [];
  }
  const counted = countService(client.service, implementation, countedBy);
  server.addService(counted.service, counted.implementation);
  return counted.stats;
}

function cannotListen(address: string, error: Error): BridgeError {
  const isInUse = error.message.includes("EADDRINUSE");
  const why = isInUse ? "address already in use" : error.message;
  return new BridgeError(isInUse ? "address_in_use" : "address_invalid", `cannot listen on ${address}: ${why}`);
}

function bind(server: Server, address: string): Promise<number> {
  return new Promise((done, failed) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (!error) done(port);
      else failed(cannotListen(address, error));
    });
  });
}
