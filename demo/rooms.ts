// Where the demo takes place: rooms in memory, or a real LiveKit server. The tour knows only this.

import type { Config } from "../src/config.js";
import type { RoomEngine } from "../src/livekit/room.js";
import type { Logger } from "../src/telemetry/logger.js";

export interface Rooms {
  /** For the headline. */
  readonly description: string;
  readonly url: string;
  readonly engineName: RoomEngine["name"];
  createEngine(config: Config, logger: Logger): Promise<RoomEngine>;
  token(identity: string, room: string): Promise<string>;
  /** A participant that is not the bridge. Needs the engine to exist. */
  enter(identity: string, room: string): Promise<Participant>;
  /** Who is in the room, as the rooms themselves say. */
  identities(room: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface Participant {
  readonly identity: string;
  publishData(payload: Uint8Array): Promise<void>;
  /** All that was heard of a track, frame by frame, 48 kHz mono. */
  heard(trackName: string): readonly Int16Array[];
  leave(): Promise<void>;
}
