// The key by which a proxy in front of several bridges keeps a user's calls together. It goes with every call.

import { createHash } from "node:crypto";
import { Metadata } from "@grpc/grpc-js";

export const ROUTING_KEY = "bridge-routing-key";

/** Not the user's id itself: that is often an e-mail address, has characters that metadata cannot carry, and proxies log it. */
export function routingKeyOf(userId: string): string {
  return createHash("sha256").update(userId).digest("hex").slice(0, 16);
}

export function routedMetadata(routingKey: string, more: Readonly<Record<string, string>> = {}): Metadata {
  const metadata = new Metadata();
  metadata.set(ROUTING_KEY, routingKey);
  for (const [key, value] of Object.entries(more)) metadata.set(key, value);
  return metadata;
}
