// What the conformance suite needs of a real server, whatever engine is on trial.

import type { RoomEngine } from "../../src/livekit/room.js";
import { systemClock } from "../../src/time.js";
import { startLiveKitServer, type LiveKitServer } from "../support/livekit-server.js";
import { QUIET } from "../support/quiet.js";
import { startTcpProxy } from "../support/tcp-proxy.js";
import type { RtcParticipant } from "../support/rtc-participant.js";
import type { FragileServer, RoomHarness } from "./room-conformance.js";

export interface RealHarness extends RoomHarness {
  readonly server: LiveKitServer;
}

export async function startRealHarness(createEngine: () => Promise<RoomEngine>): Promise<RealHarness> {
  // Loaded here, so that a machine without the native part can skip a file. The phones use LiveKit's own library, which is
  // this engine's.
  const { createRtcNodeEngine } = await import("../../src/livekit/rtc-node/engine.js");
  const { joinRtcParticipant } = await import("../support/rtc-participant.js");
  const server = await startLiveKitServer();
  const phones = createRtcNodeEngine({ clock: systemClock, logger: QUIET });
  const engine = await createEngine();
  return {
    engine,
    server,
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
    startFragile: () => startFragile(joinRtcParticipant),
    async stop() {
      await engine.dispose();
      await phones.dispose();
      await server.stop();
    },
  };
}

async function startFragile(join: (url: string, token: string) => Promise<RtcParticipant>): Promise<FragileServer> {
  let server = await startLiveKitServer();
  const { ports } = server;
  const proxy = await startTcpProxy(`127.0.0.1:${ports.http}`);
  return {
    url: `ws://${proxy.address}`,
    token: (identity, room, grants) => server.token(identity, room, grants),
    join: async (identity, room) => join(server.url, await server.token(identity, room)),
    resetSignal: () => proxy.reset(),
    async setCanPublish(room, identity, canPublish) {
      const permission = { canPublish, canSubscribe: true, canPublishData: true };
      await server.roomService.updateParticipant(room, identity, { permission });
    },
    kill: () => server.kill(),
    async restart({ hasOtherKeys = false } = {}) {
      const apiSecret = hasOtherKeys ? { apiSecret: "another-secret-of-tests-that-is-long-enough-as-well" } : {};
      server = await startLiveKitServer({ ports, ...apiSecret });
    },
    async stop() {
      await proxy.close();
      await server.stop();
    },
  };
}
