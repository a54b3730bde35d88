// What the conformance suite needs of a real server, whatever engine is on trial.

import type { RoomEngine } from "../../src/livekit/room.js";
import { systemClock } from "../../src/time.js";
import { startLiveKitServer } from "../support/livekit-server.js";
import type { RoomHarness } from "./room-conformance.js";

export const QUIET = { debug: ignore, info: ignore, warn: ignore, error: ignore };

export async function startRealHarness(createEngine: () => Promise<RoomEngine>): Promise<RoomHarness> {
  // Loaded here, so that a machine without the native part can skip a file. The phones use LiveKit's own library, which is
  // this engine's.
  const { createRtcNodeEngine } = await import("../../src/livekit/rtc-node/engine.js");
  const { joinRtcParticipant } = await import("../support/rtc-participant.js");
  const server = await startLiveKitServer();
  const phones = createRtcNodeEngine({ clock: systemClock, logger: QUIET });
  const engine = await createEngine();
  return {
    engine,
    url: server.url,
    token: (identity, room, grants) => server.token(identity, room, grants),
    join: async (identity, room) => joinRtcParticipant(server.url, await server.token(identity, room)),
    removeParticipant: (room, identity) => server.roomService.removeParticipant(room, identity),
    deleteRoom: (room) => server.roomService.deleteRoom(room),
    sendServerData: (room, payload) => server.roomService.sendData(room, payload, 0, {}),
    async identities(room) {
      const participants = await server.roomService.listParticipants(room).catch(() => []);
      return participants.map((participant) => participant.identity);
    },
    async stop() {
      await engine.dispose();
      await phones.dispose();
      await server.stop();
    },
  };
}

function ignore(): void {
  // Warnings are expected; the tests look at what the engine does.
}
