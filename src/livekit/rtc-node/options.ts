// Options of the engine: each documented once, each with a default, completed once.

import type { Clock } from "../../time.js";
import type { EngineLogger } from "../engine-logger.js";

export interface RtcNodeEngineOptions {
  readonly clock: Clock;
  readonly logger: EngineLogger;
  /** A panic caught by the native library. Its state is unknown from then on: end the process in good order. */
  readonly onPanic?: (message: string) => void;
  /** Connects started at once to one server; the others wait their turn. Default 8. */
  readonly connectConcurrencyMax?: number;
  /** A connect lets the next one start after this at the latest, in milliseconds. Default 1,000. */
  readonly connectSlotMaxMs?: number;
  /**
   * Native limit for opening the signalling websocket, in milliseconds. A server that accepts and says nothing costs
   * about 3 s more, for the request that asks why. Default 4,000.
   */
  readonly connectTimeoutMs?: number;
  /** Further native attempts after a failed one; each costs the whole time again. Default 0: the caller joins again. */
  readonly connectRetries?: number;
  /** A connect that has not settled natively by then is given up, in milliseconds; its late room is closed. Default 15,000. */
  readonly connectSettleMaxMs?: number;
  /** Leaving a room takes at most this, in milliseconds; what the native part still does then goes on alone. Default 5,000. */
  readonly roomCloseTimeoutMs?: number;
  /** Publishing a track takes at most this, in milliseconds. Default 10,000. */
  readonly publishTimeoutMs?: number;
  /** Unpublishing a track takes at most this, in milliseconds. Default 5,000. */
  readonly unpublishTimeoutMs?: number;
  /** A new track's first frame waits for its first subscriber, but no longer than this, in milliseconds. Default 300. */
  readonly firstSubscriberWaitMs?: number;
  /**
   * Silence sent after the last sample of a source, in milliseconds. A pause in sending looks to a receiver like a network
   * that has become that much slower, and its jitter buffer grows by it: from 60 ms to half a second and more. So a track
   * that may be used again soon is fed silence, about 2 % of a core each. Default 30,000.
   */
  readonly silenceTailMs?: number;
}

export type CompleteOptions = Required<Omit<RtcNodeEngineOptions, "clock" | "logger" | "onPanic">> & {
  readonly clock: Clock;
  readonly logger: EngineLogger;
  readonly onPanic: (message: string) => void;
};

export function completeOptions(options: RtcNodeEngineOptions): CompleteOptions {
  return {
    clock: options.clock,
    logger: options.logger,
    onPanic: options.onPanic ?? (() => undefined),
    connectConcurrencyMax: options.connectConcurrencyMax ?? 8,
    connectSlotMaxMs: options.connectSlotMaxMs ?? 1000,
    connectTimeoutMs: options.connectTimeoutMs ?? 4000,
    connectRetries: options.connectRetries ?? 0,
    connectSettleMaxMs: options.connectSettleMaxMs ?? 15_000,
    roomCloseTimeoutMs: options.roomCloseTimeoutMs ?? 5000,
    publishTimeoutMs: options.publishTimeoutMs ?? 10_000,
    unpublishTimeoutMs: options.unpublishTimeoutMs ?? 5000,
    firstSubscriberWaitMs: options.firstSubscriberWaitMs ?? 300,
    silenceTailMs: options.silenceTailMs ?? 30_000,
  };
}
