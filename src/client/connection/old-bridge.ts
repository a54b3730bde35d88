// A bridge of before gives no reason when it ends a stream, and its GetStatus may not exist.

import { callUnary } from "../wire/calls.js";
import { routedMetadata } from "../wire/routing.js";
import type { Connection } from "./connection.js";

/** Whether the bridge still has a session of the user; false if it cannot say. */
export async function isStillJoined(connection: Connection, signal: AbortSignal): Promise<boolean> {
  const { options, routingKey } = connection;
  const { client } = connection.lease();
  try {
    const { connected } = await callUnary({
      name: "GetStatus",
      method: client.getStatus.bind(client),
      request: { user_id: options.userId },
      metadata: routedMetadata(routingKey),
      timeoutMs: options.limits.callTimeoutMs,
      signal,
    });
    return connected;
  } catch {
    return false;
  }
}
