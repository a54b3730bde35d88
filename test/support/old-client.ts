// A client of the wire as clouds that already exist speak it: the loader options of old, no helper of this project.

import { credentials, loadPackageDefinition, Metadata } from "@grpc/grpc-js";
import type {
  ChannelCredentials,
  ChannelOptions,
  ClientDuplexStream,
  ClientReadableStream,
  ServiceError,
  StatusObject,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { DEFAULT_PROTO_PATH } from "../../src/grpc/definition.js";

export interface WireChunk {
  pcm_data: Buffer;
  sample_rate: number;
  channels: number;
  timestamp_ms: string | number;
  user_id: string;
  track_id: number;
}

export interface JoinResult {
  success: boolean;
  error: string;
  participant_id: string;
  participant_count: number;
  metadata: Record<string, string>;
}

export interface StatusResult {
  connected: boolean;
  participant_id: string;
  participant_count: number;
  last_disconnect_at: string;
  last_disconnect_reason: string;
  server_version: string;
}

export interface HealthResult {
  status: string;
  active_sessions: number;
  active_streams: number;
  uptime_seconds: string;
  metadata: Record<string, string>;
}

type Callback = (error: ServiceError | null, value: unknown) => void;
type Unary = (request: object, metadata: Metadata, options: object, callback: Callback) => { cancel(): void };

interface RawClient {
  JoinRoom: Unary;
  LeaveRoom: Unary;
  GetStatus: Unary;
  HealthCheck: Unary;
  StopAudio: Unary;
  StreamAudio(metadata?: Metadata): ClientDuplexStream<Partial<WireChunk>, WireChunk>;
  PlayAudio(request: object): ClientReadableStream<PlayEvent>;
  close(): void;
}

interface Package {
  mentra: {
    livekit: {
      bridge: {
        LiveKitBridge: new (
          address: string,
          channelCredentials: ChannelCredentials,
          options?: ChannelOptions,
        ) => RawClient;
      };
    };
  };
}

const definition = loadSync(DEFAULT_PROTO_PATH, {
  keepCase: true,
  longs: String,
  enums: String,
  defaults: true,
  oneofs: true,
});

export interface JoinParams {
  user_id: string;
  room_name: string;
  token: string;
  livekit_url: string;
  target_identity: string;
}

export interface PlayEvent {
  type: "STARTED" | "PROGRESS" | "COMPLETED" | "FAILED";
  request_id: string;
  duration_ms: string;
  position_ms: string;
  error: string;
  metadata: Record<string, string>;
}

export interface PlayParams {
  request_id: string;
  audio_url: string;
  volume?: number;
  stop_other: boolean;
  user_id: string;
  track_id: number;
}

/** One PlayAudio call and everything seen of it. */
export interface TestPlayback {
  readonly call: ClientReadableStream<PlayEvent>;
  readonly events: (PlayEvent & { readonly atMs: number })[];
  readonly ended: Promise<StatusObject>;
  types(): string;
}

/** One StreamAudio call and everything seen of it. */
export interface TestStream {
  readonly call: ClientDuplexStream<Partial<WireChunk>, WireChunk>;
  readonly chunks: WireChunk[];
  /** Settles with the final status. */
  readonly ended: Promise<StatusObject>;
  readonly metadata: Promise<Metadata>;
  readonly isEnded: () => boolean;
  heartbeat(): void;
  send(pcm: Buffer, fields?: Partial<WireChunk>): void;
}

export interface TestClient {
  readonly raw: RawClient;
  join(params: JoinParams, metadata?: Metadata): Promise<JoinResult>;
  leave(userId: string, reason?: string, metadata?: Metadata): Promise<{ success: boolean; error: string }>;
  status(userId: string): Promise<StatusResult>;
  health(service?: string): Promise<HealthResult>;
  /** As an old client plays: volume and track are always sent. */
  play(userId: string, url: string, changes?: Partial<PlayParams>): TestPlayback;
  /** PlayAudio with nothing but what the test says. */
  playRaw(request: object): TestPlayback;
  stop(request: object): Promise<{ success: boolean; error: string; stopped_request_id: string }>;
  stream(userId: string, metadata?: Metadata): TestStream;
  close(): void;
}

export function createTestClient(address: string, options: ChannelOptions = {}): TestClient {
  const { LiveKitBridge } = (loadPackageDefinition(definition) as unknown as Package).mentra.livekit.bridge;
  // Tests must not share connections unless they say so.
  const raw = new LiveKitBridge(address, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    ...options,
  });
  const unary = <Result>(method: Unary, request: object, metadata = new Metadata()): Promise<Result> =>
    new Promise((done, failed) => {
      method.call(raw, request, metadata, { deadline: Date.now() + 30_000 }, (error, value) => {
        if (error) failed(error);
        else done(value as Result);
      });
    });
  return {
    raw,
    join: (params, metadata) => unary(raw.JoinRoom, params, metadata),
    leave: (userId, reason = "User disconnected", metadata) =>
      unary(raw.LeaveRoom, { user_id: userId, reason }, metadata),
    status: (userId) => unary(raw.GetStatus, { user_id: userId }),
    play: (user_id, audio_url, changes = {}) => {
      const request_id = `play-${(lastPlay += 1)}`;
      return openPlayback(raw, {
        request_id,
        audio_url,
        volume: 1,
        stop_other: false,
        user_id,
        track_id: 0,
        ...changes,
      });
    },
    playRaw: (request) => openPlayback(raw, request),
    stop: (request) => unary(raw.StopAudio, request),
    health: (service = "") => unary(raw.HealthCheck, { service }),
    stream: (userId, metadata) => openStream(raw, userId, metadata),
    close: () => raw.close(),
  };
}

let lastPlay = 0;

function openPlayback(raw: RawClient, request: object): TestPlayback {
  const call = raw.PlayAudio(request);
  const events: TestPlayback["events"] = [];
  call.on("data", (event: PlayEvent) => events.push({ ...event, atMs: performance.now() }));
  call.on("error", () => {});
  const ended = new Promise<StatusObject>((done) => call.on("status", done));
  return { call, events, ended, types: () => events.map(({ type }) => type).join(" ") };
}

function openStream(raw: RawClient, userId: string, metadata?: Metadata): TestStream {
  const call = raw.StreamAudio(metadata);
  const chunks: WireChunk[] = [];
  let hasEnded = false;
  call.on("data", (chunk: WireChunk) => chunks.push(chunk));
  call.on("error", () => {});
  const ended = new Promise<StatusObject>((done) => {
    call.on("status", (status: StatusObject) => {
      hasEnded = true;
      done(status);
    });
  });
  const initial = new Promise<Metadata>((done) => call.on("metadata", done));
  const send = (pcm: Buffer, fields: Partial<WireChunk> = {}) => {
    call.write({ pcm_data: pcm, sample_rate: 16_000, channels: 1, timestamp_ms: Date.now(), user_id: "", ...fields });
  };
  send(Buffer.alloc(0), { user_id: userId });
  return {
    call,
    chunks,
    ended,
    metadata: initial,
    isEnded: () => hasEnded,
    heartbeat: () => send(Buffer.alloc(0)),
    send,
  };
}
