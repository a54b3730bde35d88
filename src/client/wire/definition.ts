// The service as the client calls it, loaded from this package's own copy of the proto when it is first needed: no code
// is generated, and a changed proto needs no more than a restart.

import { fileURLToPath } from "node:url";
import type {
  CallOptions,
  ChannelCredentials,
  Client,
  ClientDuplexStream,
  ClientOptions,
  ClientReadableStream,
  ClientUnaryCall,
  GrpcObject,
  Metadata,
  ServiceError,
} from "@grpc/grpc-js";
import { loadPackageDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { BridgeClientError } from "../errors.js";
import type {
  AudioChunkMessage,
  BridgeStatusResponse,
  JoinRoomRequest,
  JoinRoomResponse,
  LeaveRoomResponse,
  PlayAudioEventMessage,
  PlayAudioRequest,
  StopAudioResponse,
} from "./messages.js";

const SERVICE_NAME = "mentra.livekit.bridge.LiveKitBridge";
const PROTO_PATH = fileURLToPath(new URL("livekit_bridge.proto", import.meta.url));

export type Unary<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: CallOptions,
  callback: (error: ServiceError | null, response?: Response) => void,
) => ClientUnaryCall;

export interface BridgeServiceClient extends Client {
  joinRoom: Unary<JoinRoomRequest, JoinRoomResponse>;
  leaveRoom: Unary<{ user_id: string; reason: string }, LeaveRoomResponse>;
  stopAudio: Unary<{ user_id: string; request_id: string; reason: string; track_id?: number }, StopAudioResponse>;
  getStatus: Unary<{ user_id: string }, BridgeStatusResponse>;
  streamAudio(metadata: Metadata): ClientDuplexStream<AudioChunkMessage, AudioChunkMessage>;
  playAudio(
    request: PlayAudioRequest,
    metadata: Metadata,
    options: CallOptions,
  ): ClientReadableStream<PlayAudioEventMessage>;
}

type ServiceConstructor = new (
  address: string,
  credentials: ChannelCredentials,
  options: ClientOptions,
) => BridgeServiceClient;

let loaded: ServiceConstructor | undefined;

export function bridgeService(): ServiceConstructor {
  loaded ??= load();
  return loaded;
}

function load(): ServiceConstructor {
  try {
    const definition = loadSync(PROTO_PATH, {
      keepCase: true,
      longs: Number,
      enums: String,
      defaults: true,
      oneofs: true,
    });
    const found = SERVICE_NAME.split(".").reduce<GrpcObject[string]>(
      (node, part) => (node as GrpcObject)[part] as GrpcObject[string],
      loadPackageDefinition(definition),
    );
    return found as unknown as ServiceConstructor;
  } catch (error) {
    throw new BridgeClientError("internal", `proto file cannot be loaded: ${PROTO_PATH}`, { cause: error });
  }
}
