// Options of the engine: each documented once, each with a default, completed once.

import type { Clock } from "../../time.js";
import type { EngineLogger } from "../engine-logger.js";

export interface DatachannelEngineOptions {
  readonly clock: Clock;
  readonly logger: EngineLogger;
  /** From 0 to 1, for waits that must not fall together. */
  readonly random?: () => number;
  /** Joins under way at a time, per server. */
  readonly connectConcurrencyMax?: number;
  /** A join that takes longer lets the next one begin, in milliseconds. */
  readonly connectSlotMaxMs?: number;
  /** Until the WebSocket is open and the server has said who is in the room, in milliseconds. */
  readonly signalTimeoutMs?: number;
  /** From there until packets can flow, in milliseconds. When they cannot, it is tried once more. */
  readonly peerTimeoutMs?: number;
  /** A transport looks for ways over UDP alone, or TCP alone where that was the way of late, for so long, in milliseconds. */
  readonly firstWayMs?: number;
  /** Leaving a room, at most, in milliseconds. */
  readonly roomCloseTimeoutMs?: number;
  readonly publishTimeoutMs?: number;
  readonly unpublishTimeoutMs?: number;
  /** A published track waits so long for somebody to hear it before it plays, in milliseconds. */
  readonly firstSubscriberWaitMs?: number;
  /** Silence sent after the last sample, in milliseconds. */
  readonly silenceTailMs?: number;
  /** The server may say why it has closed the transport; so long is waited for that, in milliseconds. */
  readonly lastWordMs?: number;
  /** A lost room is given up after this, in milliseconds. */
  readonly reconnectMaxMs?: number;
  /** Bounds of the wait between two attempts to regain a room, in milliseconds. It doubles from the first to the second. */
  readonly backoffMinMs?: number;
  readonly backoffMaxMs?: number;
}

export type CompleteOptions = Required<DatachannelEngineOptions>;

export const DEFAULTS = {
  random: Math.random,
  connectConcurrencyMax: 8,
  connectSlotMaxMs: 1000,
  signalTimeoutMs: 4000,
  peerTimeoutMs: 5000,
  firstWayMs: 1000,
  roomCloseTimeoutMs: 5000,
  publishTimeoutMs: 10_000,
  unpublishTimeoutMs: 5000,
  firstSubscriberWaitMs: 300,
  silenceTailMs: 1000,
  lastWordMs: 300,
  reconnectMaxMs: 40_000,
  backoffMinMs: 100,
  backoffMaxMs: 1000,
} as const satisfies Omit<CompleteOptions, "clock" | "logger">;

export function completeOptions(options: DatachannelEngineOptions): CompleteOptions {
  return { ...DEFAULTS, ...options };
}
