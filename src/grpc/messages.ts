// The messages as the loader options of `definition.ts` deliver them. proto/livekit_bridge.proto is the source of truth.

export interface AudioChunk {
  pcm_data: Uint8Array;
  sample_rate: number;
  channels: number;
  timestamp_ms: number;
  user_id: string;
  track_id: number;
}

export interface JoinRoomRequest {
  user_id: string;
  room_name: string;
  token: string;
  livekit_url: string;
  target_identity: string;
}

export interface JoinRoomResponse {
  success: boolean;
  error: string;
  participant_id: string;
  participant_count: number;
  metadata: Record<string, string>;
}

export interface LeaveRoomRequest {
  user_id: string;
  reason: string;
}

export interface LeaveRoomResponse {
  success: boolean;
  error: string;
}

export interface PlayAudioRequest {
  request_id: string;
  audio_url: string;
  volume?: number;
  stop_other: boolean;
  user_id: string;
  track_id: number;
}

export interface PlayAudioEvent {
  type: "STARTED" | "PROGRESS" | "COMPLETED" | "FAILED";
  request_id: string;
  duration_ms: number;
  position_ms: number;
  error: string;
  metadata: Record<string, string>;
}

export interface StopAudioRequest {
  user_id: string;
  request_id: string;
  reason: string;
  track_id?: number;
}

export interface StopAudioResponse {
  success: boolean;
  error: string;
  stopped_request_id: string;
}

export interface HealthCheckRequest {
  service: string;
}

export interface HealthCheckResponse {
  status: "UNKNOWN" | "SERVING" | "NOT_SERVING" | "SERVICE_UNKNOWN";
  active_sessions: number;
  active_streams: number;
  uptime_seconds: number;
  metadata: Record<string, string>;
}

export interface BridgeStatusRequest {
  user_id: string;
}

export interface BridgeStatusResponse {
  connected: boolean;
  participant_id: string;
  participant_count: number;
  last_disconnect_at: number;
  last_disconnect_reason: string;
  server_version: string;
}
