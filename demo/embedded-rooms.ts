// Rooms in memory: the demo needs nothing but Node.

import { createEmbeddedRooms } from "../src/livekit/embedded/rooms.js";
import { systemClock } from "../src/time.js";
import type { Rooms } from "./rooms.js";

export function openEmbeddedRooms(): Rooms {
  const rooms = createEmbeddedRooms({ clock: systemClock });
  return {
    description: "embedded rooms (in memory, no server needed)",
    url: rooms.url,
    engineName: "embedded",
    createEngine: async () => rooms.engine(),
    token: (identity, room) => rooms.token(identity, room),
    async enter(identity, room) {
      const frames = new Map<string, Int16Array[]>();
      const participant = await rooms.join(
        { identity, room },
        {
          frame({ trackName, samples }) {
            const heard = frames.get(trackName) ?? [];
            heard.push(samples);
            frames.set(trackName, heard);
          },
        },
      );
      return {
        identity,
        publishData: (payload) => participant.publishData(payload),
        heard: (trackName) => frames.get(trackName) ?? [],
        leave: () => participant.leave(),
      };
    },
    identities: async (room) => rooms.identities(room),
    close: async () => {},
  };
}
