// Which engine, by configuration. Each is imported only when it is wanted: loading rtc-node starts native threads.

import type { Config } from "../config.js";
import { BridgeError } from "../errors.js";
import type { Clock } from "../time.js";
import type { EngineLogger } from "./engine-logger.js";
import type { RoomEngine } from "./room.js";

export interface EngineParts {
  readonly clock: Clock;
  readonly logger: EngineLogger;
  /** The native library has panicked; its state is unknown. */
  readonly panicked: (message: string) => void;
}

export async function createEngine(config: Config, { clock, logger, panicked }: EngineParts): Promise<RoomEngine> {
  if (config.LIVEKIT_ENGINE === "embedded") {
    const { createEmbeddedRooms } = await import("./embedded/rooms.js");
    const { LIVEKIT_URL: url, LIVEKIT_API_KEY: apiKey, LIVEKIT_API_SECRET: apiSecret } = config;
    return createEmbeddedRooms({
      clock,
      ...(url === undefined ? {} : { url }),
      ...(apiKey === undefined ? {} : { apiKey }),
      ...(apiSecret === undefined ? {} : { apiSecret }),
    }).engine();
  }
  try {
    const options = {
      clock,
      logger,
      connectConcurrencyMax: config.BRIDGE_CONNECTS_MAX,
      roomCloseTimeoutMs: config.BRIDGE_ROOM_CLOSE_TIMEOUT_MS,
    };
    if (config.LIVEKIT_ENGINE === "datachannel") {
      const { createDatachannelEngine } = await import("./datachannel/engine.js");
      return await createDatachannelEngine(options);
    }
    const { createRtcNodeEngine } = await import("./rtc-node/engine.js");
    return createRtcNodeEngine({ ...options, onPanic: panicked });
  } catch (error) {
    throw new BridgeError("engine_unavailable", "the engine's native library cannot be loaded", { cause: error });
  }
}
