// What stands around a cloud, in one process: a bridge as it is in production but for its rooms, which are in memory, and
// the phones in them. A process of its own, so that it can be killed as a process is.

import { createBridge } from "../../src/bridge.js";
import type { Bridge } from "../../src/bridge.js";
import { loadResampler } from "../../src/audio/resampler.js";
import { readConfig } from "../../src/config.js";
import { createEmbeddedRooms } from "../../src/livekit/embedded/rooms.js";
import { createLogger } from "../../src/telemetry/logger.js";
import { systemClock } from "../../src/time.js";
import type { Heard } from "./phone.js";
import { Phone } from "./phone.js";

export interface WorldSettings {
  readonly port: number;
  readonly livekitUrl: string;
  readonly apiKey: string;
  readonly apiSecret: string;
}

/** What the world can be asked, over the channel between the two processes. */
export interface World {
  enter(userId: string): Promise<void>;
  talk(userId: string): Promise<void>;
  say(userId: string, frequencyHz: number, durationMs: number): Promise<void>;
  hush(userId: string): Promise<void>;
  heard(userId: string, trackName: string): Promise<Heard>;
  /** Who is in a room. */
  identities(roomName: string): Promise<readonly string[]>;
  /** Ends as on SIGTERM: rooms are left and streams ended before the process is. */
  leave(): Promise<void>;
}

export async function openWorld(settings: WorldSettings): Promise<World> {
  const { port, livekitUrl, apiKey, apiSecret } = settings;
  const rooms = createEmbeddedRooms({ clock: systemClock, url: livekitUrl, apiKey, apiSecret });
  const config = readConfig({
    PORT: String(port),
    BRIDGE_HOST: "127.0.0.1",
    BRIDGE_ENV: "example",
    LIVEKIT_URL: livekitUrl,
    LOG_LEVEL: "error",
    // The examples' tune is served on this machine, which PlayAudio would otherwise refuse to fetch from.
    BRIDGE_AUDIO_ALLOWED: "127.0.0.1/32",
  });
  const engine = rooms.engine();
  const bridge: Bridge = createBridge(config, {
    engine,
    clock: systemClock,
    logger: createLogger({ level: config.LOG_LEVEL, env: config.BRIDGE_ENV }, process.stderr),
    createResampler: await loadResampler(),
    failed: (error) => {
      throw error;
    },
  });
  await bridge.start();
  const phones = new Map<string, Phone>();
  const phone = (userId: string): Phone => {
    const found = phones.get(userId);
    if (!found) throw new Error(`${userId} has no phone here`);
    return found;
  };
  return {
    enter: async (userId) => void phones.set(userId, await Phone.enter(rooms, userId)),
    talk: async (userId) => phone(userId).talk(),
    say: (userId, frequencyHz, durationMs) => phone(userId).say(frequencyHz, durationMs),
    hush: async (userId) => phone(userId).hush(),
    heard: async (userId, trackName) => phone(userId).heard(trackName),
    identities: async (roomName) => rooms.identities(roomName),
    async leave() {
      for (const each of phones.values()) each.hush();
      await bridge.drain();
      await engine.dispose();
    },
  };
}
