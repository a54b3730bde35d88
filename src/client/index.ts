// The library for the cloud: `import { createBridgeClient } from "livekit-grpc-bridge/client"`.

export type { PcmEndianOptions, PcmEndianSetting } from "./audio/pcm-endian.js";
export { PcmEndian, readPcmEndianSetting } from "./audio/pcm-endian.js";
export type { PcmPacerOptions, PcmPacerStats } from "./audio/pcm-pacer.js";
export { PcmPacer } from "./audio/pcm-pacer.js";
export type * from "./bridge-client.js";
export type { Clock, Random } from "./clock.js";
export { systemClock } from "./clock.js";
export type { AudioManagerOptions, AudioManagerStats, AudioSubscriber } from "./cloud/audio-manager.js";
export { AudioManager } from "./cloud/audio-manager.js";
export type { AudioAvailable, AudioUnavailable } from "./cloud/audio-notice.js";
export type { BridgeStatusInfo } from "./cloud/bridge-status-info.js";
export type { ClientUserSession, ConnectParams, LiveKitGrpcClientOptions } from "./cloud/livekit-grpc-client.js";
export { LiveKitGrpcClient, LiveKitGrpcClient as default } from "./cloud/livekit-grpc-client.js";
export { LiveKitManager } from "./cloud/livekit-manager.js";
export type { ManagedUser } from "./cloud/managed-user.js";
export type { ManagerLimits } from "./cloud/manager-limits.js";
export type {
  LiveKitInit,
  LiveKitManagerEvents,
  LiveKitManagerOptions,
  ManagedRoomStatus,
} from "./cloud/manager-options.js";
export type { PlayAudioEventInfo, PlayAudioParams } from "./cloud/playback-handlers.js";
export type { RoomParticipant, RoomStatus, RoomStatusInfo, RoomStatusOptions } from "./cloud/room-status.js";
export { createRoomStatus } from "./cloud/room-status.js";
export type { SpeakerManagerOptions, SpeakerRequest, SpeakerUser } from "./cloud/speaker-manager.js";
export { SpeakerManager } from "./cloud/speaker-manager.js";
export type { AccessTokenRequest, LiveKitTokenServiceOptions } from "./cloud/token-service.js";
export {
  liveKitTokenService,
  LiveKitTokenService,
  mintAgentBridgeToken,
  mintClientPublishToken,
} from "./cloud/token-service.js";
export { connectionMachine } from "./connection/connection-machine.js";
export { createBridgeClient } from "./create-bridge-client.js";
export type { ClientErrorCode } from "./errors.js";
export { BridgeClientError, CLIENT_ERROR_CODES } from "./errors.js";
export type { ClientLimits } from "./limits.js";
export { DEFAULT_LIMITS } from "./limits.js";
export type { ClientLogger } from "./log.js";
export type { ChannelPool, ChannelPoolOptions } from "./wire/channel-pool.js";
export { createChannelPool, sharedChannelPool } from "./wire/channel-pool.js";
