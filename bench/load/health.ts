// What a bridge says of itself, by its own HealthCheck.

import { credentials, loadPackageDefinition } from "@grpc/grpc-js";
import type { ServiceError } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { fileURLToPath } from "node:url";

export interface Health {
  readonly sessions: number;
  readonly streams: number;
  /** Numbers by name; empty for a bridge that tells none. */
  readonly numbers: Readonly<Record<string, number>>;
  readonly version: string;
}

export interface HealthReader {
  read(): Promise<Health>;
  close(): void;
}

interface HealthResponse {
  readonly active_sessions: number;
  readonly active_streams: number;
  readonly metadata: Readonly<Record<string, string>>;
}

interface BridgeClient {
  healthCheck(
    request: { service: string },
    options: { deadline: number },
    callback: (error: ServiceError | null, response?: HealthResponse) => void,
  ): void;
  close(): void;
}

interface BridgePackage {
  mentra: {
    livekit: {
      bridge: {
        LiveKitBridge: new (address: string, channel: ReturnType<typeof credentials.createInsecure>) => BridgeClient;
      };
    };
  };
}

const PROTO_PATH = fileURLToPath(new URL("../../proto/livekit_bridge.proto", import.meta.url));
const ANSWER_MAX_MS = 5000;

export function openHealth(address: string): HealthReader {
  const loaded = loadPackageDefinition(loadSync(PROTO_PATH, { keepCase: true, longs: String, defaults: true }));
  const { LiveKitBridge } = (loaded as unknown as BridgePackage).mentra.livekit.bridge;
  const client = new LiveKitBridge(address, credentials.createInsecure());
  return {
    read: () =>
      new Promise((resolve, reject) => {
        client.healthCheck({ service: "" }, { deadline: Date.now() + ANSWER_MAX_MS }, (error, response) => {
          if (error || !response) reject(error ?? new Error("HealthCheck: no answer"));
          else resolve(toHealth(response));
        });
      }),
    close: () => client.close(),
  };
}

function toHealth({ active_sessions: sessions, active_streams: streams, metadata }: HealthResponse): Health {
  const pairs = Object.entries(metadata).map(([name, text]) => [name, Number(text)] as const);
  const numbers = Object.fromEntries(pairs.filter(([, value]) => !Number.isNaN(value)));
  return { sessions, streams, numbers, version: metadata["version"] ?? "" };
}
