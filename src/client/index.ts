// The library for the cloud: `import { createBridgeClient } from "livekit-grpc-bridge/client"`.

export type * from "./bridge-client.js";
export { systemClock } from "./clock.js";
export type { Clock, Random } from "./clock.js";
export type { ConnectParams, LiveKitGrpcClientOptions, ClientUserSession } from "./cloud/livekit-grpc-client.js";
export { LiveKitGrpcClient, LiveKitGrpcClient as default } from "./cloud/livekit-grpc-client.js";
export type { BridgeStatusInfo } from "./cloud/bridge-status-info.js";
export type { PlayAudioEventInfo, PlayAudioParams } from "./cloud/playback-handlers.js";
export { connectionMachine } from "./connection/connection-machine.js";
export { createBridgeClient } from "./create-bridge-client.js";
export type { ClientErrorCode } from "./errors.js";
export { BridgeClientError, CLIENT_ERROR_CODES } from "./errors.js";
export type { ClientLimits } from "./limits.js";
export { DEFAULT_LIMITS } from "./limits.js";
export type { ClientLogger } from "./log.js";
export type { ChannelPool, ChannelPoolOptions } from "./wire/channel-pool.js";
export { createChannelPool, sharedChannelPool } from "./wire/channel-pool.js";
