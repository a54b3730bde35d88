// Bridge tokens for the rooms on stage.

import { LiveKitTokenService, mintAgentBridgeToken } from "../../src/client/cloud/token-service.js";
import type { WorldSettings } from "./world.js";

export function createRoomTokens(settings: WorldSettings): (userId: string) => Promise<string> {
  const env = { LIVEKIT_API_KEY: settings.apiKey, LIVEKIT_API_SECRET: settings.apiSecret };
  const tokens = new LiveKitTokenService({ env });
  return async (userId) => (await mintAgentBridgeToken(tokens, { userId })) ?? "";
}
