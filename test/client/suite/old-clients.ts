// Clients under their old name, on a scene.

import type { ClientUserSession, LiveKitGrpcClientOptions } from "../../../src/client/cloud/livekit-grpc-client.js";
import { LiveKitGrpcClient } from "../../../src/client/cloud/livekit-grpc-client.js";
import type { Scene } from "./scene.js";
import { QUICK } from "./scene.js";

interface OldOptions extends Partial<LiveKitGrpcClientOptions> {
  readonly mint?: () => Promise<string | null>;
  readonly bridgeUrl?: string;
}

export function oldClients(scene: Scene) {
  let users = 0;
  return function oldClient({ mint, bridgeUrl = scene.bridge.address, limits, ...options }: OldOptions = {}) {
    const heard: Buffer[] = [];
    const userId = `old-${(users += 1)}`;
    const session: ClientUserSession = {
      userId,
      logger: scene.logger,
      audioManager: { processAudioData: (pcm) => heard.push(pcm) },
      ...(mint ? { liveKitManager: { mintAgentBridgeToken: mint } } : {}),
    };
    const own = { channels: scene.pool(), clock: scene.clock, env: {}, limits: { ...QUICK, ...limits } };
    const client = new LiveKitGrpcClient(session, bridgeUrl, { ...own, ...options });
    scene.after(() => client.client.dispose());
    const params = (room = userId) => ({ url: "wss://livekit.example", roomName: room, token: scene.token() });
    const joins = () => scene.bridge.calls("JoinRoom", userId);
    return { client, userId, heard, params, joins };
  };
}
