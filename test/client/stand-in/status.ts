// Statuses as grpc-js wants them.

import { Metadata, status } from "@grpc/grpc-js";
import type { Status } from "./behaviour.js";

export interface GrpcStatus {
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
}

export function toGrpcStatus({ code, details = "", metadata = {} }: Status): GrpcStatus {
  return { code: status[code], details, metadata: toMetadata(metadata) };
}

export function toMetadata(fields: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(fields)) metadata.set(key, value);
  return metadata;
}
