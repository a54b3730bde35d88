// What the manager and the speaker use of a bridge client of the old name, so that tests can put another in its place.

import type { BridgeClient } from "../bridge-client.js";
import type { LiveKitGrpcClient } from "./livekit-grpc-client.js";

/** The modern core beneath, as far as it is needed here. */
export type ManagedCore = Pick<BridgeClient, "address" | "state" | "info" | "stats" | "on" | "send" | "ready">;

export interface ManagedClient extends Pick<
  LiveKitGrpcClient,
  | "keepConnected"
  | "rejoin"
  | "dispose"
  | "isConnected"
  | "isConnecting"
  | "playAudio"
  | "stopAudio"
  | "onPlayAudioEvent"
  | "getStatus"
  | "setLogLevel"
> {
  readonly client: ManagedCore;
}
