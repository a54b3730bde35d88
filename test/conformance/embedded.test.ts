import { createEmbeddedRooms, type EmbeddedRooms } from "../../src/livekit/embedded/rooms.js";
import type { HeardFrame } from "../../src/livekit/embedded/participant.js";
import { systemClock } from "../../src/time.js";
import { describeRoomEngine, type HarnessParticipant, type RoomHarness } from "./room-conformance.js";

const FIRST_FRAME_TIMEOUT_MS = 5_000;

describeRoomEngine("embedded", async () => await Promise.resolve(startHarness()), { hasConnection: false });

function startHarness(): RoomHarness {
  const rooms = createEmbeddedRooms({ clock: systemClock, onListenerError: () => undefined });
  const engine = rooms.engine();
  return {
    engine,
    url: rooms.url,
    token: (identity, room, grants) => rooms.token(identity, room, grants),
    join: (identity, room) => joinParticipant(rooms, identity, room),
    removeParticipant: (room, identity) => rooms.removeParticipant(room, identity),
    deleteRoom: (room) => rooms.deleteRoom(room),
    sendServerData: (room, payload) => rooms.sendServerData(room, payload),
    identities: async (room) => await Promise.resolve(rooms.identities(room)),
    stop: () => engine.dispose(),
  };
}

async function joinParticipant(rooms: EmbeddedRooms, identity: string, room: string): Promise<HarnessParticipant> {
  const ears = new Set<(frame: HeardFrame) => void>();
  const listener = { frame: (frame: HeardFrame) => ears.forEach((ear) => ear(frame)) };
  const participant = await rooms.join({ identity, room }, listener);

  async function hear(trackName: string, durationMs: number): Promise<Int16Array> {
    const heard: Int16Array[] = [];
    let ear = (_frame: HeardFrame): void => undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const none = setTimeout(() => reject(new Error(`nothing heard on ${trackName}`)), FIRST_FRAME_TIMEOUT_MS);
        ear = (frame) => {
          if (frame.trackName !== trackName) return;
          clearTimeout(none);
          if (heard.push(frame.samples) === 1) setTimeout(resolve, durationMs);
        };
        ears.add(ear);
      });
    } finally {
      ears.delete(ear);
    }
    return Int16Array.from(heard.flatMap((samples) => [...samples]));
  }

  return {
    publishData: (payload, options) => participant.publishData(payload, options),
    hear,
    get trackNames() {
      return participant.trackNames;
    },
    leave: () => participant.leave(),
  };
}
