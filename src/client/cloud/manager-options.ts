// What a manager can be given, what it answers, and where its parts come from when they are not given.

import type { Clock } from "../clock.js";
import type { AudioAvailable, AudioUnavailable } from "./audio-notice.js";
import type { LiveKitGrpcClientOptions } from "./livekit-grpc-client.js";
import { LiveKitGrpcClient } from "./livekit-grpc-client.js";
import type { ManagedClient } from "./managed-client.js";
import type { ManagedUser } from "./managed-user.js";
import type { Environment, ManagerLimits } from "./manager-limits.js";
import type { RoomParticipant, RoomStatus } from "./room-status.js";
import { createRoomStatus } from "./room-status.js";
import type { LiveKitTokenService } from "./token-service.js";

export interface LiveKitManagerOptions<Client extends ManagedClient = LiveKitGrpcClient> {
  /** `host:port` or `unix:/path` of the bridge; the environment's by default. */
  readonly bridgeUrl?: string;
  /** From `LIVEKIT_URL`, `LIVEKIT_API_KEY` and `LIVEKIT_API_SECRET` by default. */
  readonly tokens?: ManagerTokens;
  /** LiveKit itself, with the same settings, by default. */
  readonly rooms?: RoomStatus;
  readonly limits?: Partial<ManagerLimits>;
  /** For the client beneath. */
  readonly client?: Pick<LiveKitGrpcClientOptions, "limits" | "channels" | "random" | "routingKey">;
  readonly clock?: Clock;
  /** `process.env` by default. */
  readonly env?: Environment;
  /** Makes the one client, and another only after that one was disposed. */
  readonly createClient?: ClientFactory<Client>;
}

export type ClientFactory<Client> = (user: ManagedUser, options: LiveKitGrpcClientOptions) => Client;

export type ManagerTokens = Pick<LiveKitTokenService, "getUrl" | "mintAccessTokenAsync">;

export interface LiveKitManagerEvents {
  audioUnavailable: AudioUnavailable;
  audioAvailable: AudioAvailable;
}

export interface LiveKitInit {
  readonly url: string;
  readonly roomName: string;
  /** For the phone, to publish with. */
  readonly token: string;
}

export interface ManagedRoomStatus {
  readonly roomName: string;
  readonly clientInRoom: boolean;
  readonly bridgeInRoom: boolean;
  readonly participants: readonly RoomParticipant[];
  readonly micEnabled: boolean;
  /** The client's stream is up. */
  readonly bridgeConnected: boolean;
}

export function oldNameFactory(bridgeUrl: string | undefined): ClientFactory<LiveKitGrpcClient> {
  return (user, options) => new LiveKitGrpcClient(user, bridgeUrl, options);
}

/** Null without url or keys. */
export function roomStatusFrom(env: Environment, clock: Clock): RoomStatus | null {
  const [url, apiKey, apiSecret] = ["LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"].map((name) =>
    env[name]?.trim(),
  );
  return url && apiKey && apiSecret ? createRoomStatus({ url, apiKey, apiSecret, clock }) : null;
}
