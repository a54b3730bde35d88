// What the client logs of its connection. The texts are those that people have queries for: docs/operations.md.

import type { ConnectionState, JoinInfo } from "../bridge-client.js";
import type { BridgeClientError } from "../errors.js";
import type { ConnectionObserver, ConnectionOptions } from "./connection.js";

export function logConnection({ logger, address }: ConnectionOptions): Omit<ConnectionObserver, "audio"> {
  let last: ConnectionState = "idle";
  /** Since the connection was last asked for: what fails before the first stream is no reconnection. */
  let wasStreaming = false;
  return {
    state: (state: ConnectionState, previous: ConnectionState) => {
      last = previous;
      const isStreaming = state === "streaming";
      wasStreaming = (wasStreaming && previous !== "idle") || isStreaming;
      if (isStreaming || previous === "streaming") {
        const fields = { grpcUrl: address, isConnected: isStreaming, connected: isStreaming };
        logger.info(fields, "LiveKit gRPC status");
      } else logger.debug({ state, previous }, "Connection state");
    },
    joined: ({ participantId, participantCount, bridgeVersion, session }: JoinInfo) => {
      logger.info({ participantId, participantCount, bridgeVersion, session }, "Joined LiveKit room");
    },
    streaming: () => {},
    failed: (error: BridgeClientError, attempt: number, retryInMs?: number) => {
      const fields = { code: error.code, error: error.message, attempt };
      if (error.code === "join_failed") logger.warn(fields, "JoinRoom returned failure");
      if (last === "streaming") logger.warn(fields, "Audio stream error");
      else logger.warn(fields, wasStreaming ? "Reconnection failed" : "Connection failed");
      if (retryInMs === undefined) return;
      const delayMs = Math.round(retryInMs);
      logger.info({ ...fields, delayMs }, "Attempting to reconnect after stream error");
    },
    ended: (reason: string) => {
      logger.info({ reason }, "Audio stream ended");
    },
  };
}
