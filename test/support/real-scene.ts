// Everything real: a livekit-server, the bridge as a process on rtc-node, phones on rtc-node in this process.

import { createRtcNodeEngine } from "../../src/livekit/rtc-node/engine.js";
import { systemClock } from "../../src/time.js";
import type { BridgeProcess } from "./bridge-process.js";
import { startBridgeProcess } from "./bridge-process.js";
import type { LiveKitServer } from "./livekit-server.js";
import { startLiveKitServer } from "./livekit-server.js";
import type { JoinParams, TestClient } from "./old-client.js";
import { createTestClient } from "./old-client.js";
import { QUIET } from "./quiet.js";
import type { RtcParticipant } from "./rtc-participant.js";
import { joinRtcParticipant } from "./rtc-participant.js";

export interface RealScene {
  readonly server: LiveKitServer;
  readonly bridge: BridgeProcess;
  client(address?: string): TestClient;
  params(user: string, changes?: Partial<JoinParams>): Promise<JoinParams>;
  phone(user: string, options?: { isListening?: boolean }): Promise<RtcParticipant>;
  /** Identities in the user's room, asked of the server itself; empty when there is no such room. */
  identities(user: string): Promise<string[]>;
  stop(): Promise<void>;
}

export async function startRealScene(env: Record<string, string> = {}): Promise<RealScene> {
  const server = await startLiveKitServer();
  const bridge = await startBridgeProcess({ LIVEKIT_URL: server.url, ...env });
  // Phones share this process's native library, which the engine loads.
  const engine = createRtcNodeEngine({ clock: systemClock, logger: QUIET });
  const clients: TestClient[] = [];
  const phones: RtcParticipant[] = [];
  return {
    server,
    bridge,
    client(address = bridge.address) {
      const client = createTestClient(address);
      clients.push(client);
      return client;
    },
    async params(user, changes = {}) {
      const grants = { canPublish: true, canSubscribe: true, canPublishData: true };
      const token = await server.token(`cloud-agent:${user}`, user, grants);
      return { user_id: user, room_name: user, token, livekit_url: "", target_identity: user, ...changes };
    },
    async phone(user, options = { isListening: false }) {
      const phone = await joinRtcParticipant(server.url, await server.token(user, user), options);
      phones.push(phone);
      return phone;
    },
    async identities(user) {
      const participants = await server.roomService.listParticipants(user).catch(() => []);
      return participants.map(({ identity }) => identity);
    },
    async stop() {
      for (const client of clients) client.close();
      server.thaw();
      await Promise.all(phones.map((phone) => phone.leave()));
      await bridge.stop();
      await engine.dispose();
      await server.stop();
    },
  };
}
