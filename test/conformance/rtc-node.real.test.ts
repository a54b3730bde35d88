import { describe } from "vitest";
import { systemClock } from "../../src/time.js";
import { requireLiveKitServer, startLiveKitServer } from "../support/livekit-server.js";
import { describeRoomEngine, type RoomHarness } from "./room-conformance.js";

describe.skipIf(requireLiveKitServer() === undefined)("with a real server", () => {
  describeRoomEngine("rtc-node", startHarness);
});

async function startHarness(): Promise<RoomHarness> {
  // Loaded here, so that a machine without the native part can skip this file.
  const { createRtcNodeEngine } = await import("../../src/livekit/rtc-node/engine.js");
  const { joinRtcParticipant } = await import("../support/rtc-participant.js");
  const server = await startLiveKitServer();
  const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
  const engine = createRtcNodeEngine({ clock: systemClock, logger, silenceTailMs: 1000 });
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
      await server.stop();
    },
  };
}

function ignore(): void {
  // Warnings are expected here; the tests look at what the engine does.
}
