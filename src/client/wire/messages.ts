// The messages as they travel: names and units are those of livekit_bridge.proto.

export interface AudioChunkMessage {
  readonly pcm_data: Uint8Array;
  readonly sample_rate: number;
  readonly channels: number;
  readonly timestamp_ms: number;
  readonly user_id: string;
  readonly track_id: number;
}

export interface JoinRoomRequest {
  readonly user_id: string;
  readonly room_name: string;
  readonly token: string;
  readonly livekit_url: string;
  readonly target_identity: string;
}

export interface JoinRoomResponse {
  readonly success: boolean;
  readonly error: string;
  readonly participant_id: string;
  readonly participant_count: number;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface LeaveRoomResponse {
  readonly success: boolean;
  readonly error: string;
}

export interface PlayAudioRequest {
  readonly request_id: string;
  readonly audio_url: string;
  readonly volume: number;
  readonly stop_other: boolean;
  readonly user_id: string;
  readonly track_id: number;
}

export interface PlayAudioEventMessage {
  readonly type: "STARTED" | "PROGRESS" | "COMPLETED" | "FAILED";
  readonly request_id: string;
  readonly duration_ms: number;
  readonly position_ms: number;
  readonly error: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface StopAudioResponse {
  readonly success: boolean;
  readonly error: string;
  readonly stopped_request_id: string;
}

export interface BridgeStatusResponse {
  readonly connected: boolean;
  readonly participant_id: string;
  readonly participant_count: number;
  readonly last_disconnect_at: number;
  readonly last_disconnect_reason: string;
  readonly server_version: string;
}
