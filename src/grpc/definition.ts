// The service is loaded from proto/livekit_bridge.proto when the process starts; there is no generated code.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { GrpcObject, ServiceClientConstructor } from "@grpc/grpc-js";
import { loadPackageDefinition } from "@grpc/grpc-js";
import type { PackageDefinition } from "@grpc/proto-loader";
import { loadSync } from "@grpc/proto-loader";
import { BridgeError } from "../errors.js";

export const SERVICE_NAME = "mentra.livekit.bridge.LiveKitBridge";

/** The file of this checkout or package: src/ and dist/ are both one folder below it. */
export const DEFAULT_PROTO_PATH = fileURLToPath(new URL("../../proto/livekit_bridge.proto", import.meta.url));

export interface BridgeDefinition {
  readonly packageDefinition: PackageDefinition;
  readonly client: ServiceClientConstructor;
}

export function loadBridgeDefinition(protoPath: string = DEFAULT_PROTO_PATH): BridgeDefinition {
  if (!existsSync(protoPath)) throw new BridgeError("proto_not_found", `proto file not found: ${protoPath}`);
  try {
    const packageDefinition = loadSync(protoPath, {
      keepCase: true,
      longs: Number,
      enums: String,
      defaults: true,
      oneofs: true,
    });
    const root = loadPackageDefinition(packageDefinition);
    const client = SERVICE_NAME.split(".").reduce<GrpcObject[string]>(
      (node, part) => (node as GrpcObject)[part] as GrpcObject[string],
      root,
    );
    return { packageDefinition, client: client as ServiceClientConstructor };
  } catch (error) {
    throw new BridgeError("proto_invalid", `proto file cannot be loaded: ${protoPath}`, { cause: error });
  }
}
