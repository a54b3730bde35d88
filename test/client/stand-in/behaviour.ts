// What the stand-in can be told to do. Said per RPC: what is set for an RPC replaces all that was set for it before, and `{}`
// brings its usual behaviour back.

import type {
  BridgeStatusResponse,
  HealthCheckResponse,
  JoinRoomResponse,
  LeaveRoomResponse,
  PlayAudioEvent,
  StopAudioResponse,
} from "../../../src/grpc/messages.js";

/** `new`: a bridge of this project. `old`: one from before it, which names nothing, echoes nothing and hates pings. */
export type Kind = "new" | "old";

export type CodeName =
  | "OK"
  | "CANCELLED"
  | "UNKNOWN"
  | "INVALID_ARGUMENT"
  | "DEADLINE_EXCEEDED"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "PERMISSION_DENIED"
  | "RESOURCE_EXHAUSTED"
  | "FAILED_PRECONDITION"
  | "ABORTED"
  | "OUT_OF_RANGE"
  | "UNIMPLEMENTED"
  | "INTERNAL"
  | "UNAVAILABLE"
  | "DATA_LOSS"
  | "UNAUTHENTICATED";

/** A status of gRPC with its trailing metadata. */
export interface Status {
  readonly code: CodeName;
  readonly details?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface UnaryBehaviour<Reply> {
  /** Answers so much later, whatever the answer is. */
  readonly delayMs?: number;
  /** Takes the call and never answers. */
  readonly hangs?: boolean;
  readonly error?: Status;
  /** Fields that take the place of those of the usual answer. */
  readonly reply?: Partial<Reply>;
}

export interface JoinBehaviour extends UnaryBehaviour<JoinRoomResponse> {
  /** Text of an answer with `success` false, as when the room cannot be joined. */
  readonly failure?: string;
  /** Refuses a user who has a session with "session already exists for this user", as the oldest bridges did. */
  readonly refusesSecondSession?: boolean;
  /** When the stream of the session that is replaced ends. Usually before the reply. */
  readonly endsOldStream?: "before-reply" | "after-reply" | "never";
}

export interface StreamBehaviour {
  /**
   * When the initial metadata is sent: at once (usual for `new`), late, with the first chunk that is sent (usual for `old`), or
   * never, so that the stream is neither accepted nor refused.
   */
  readonly headers?: "at-once" | "with-first-chunk" | "never" | { readonly afterMs: number };
  /** Ends the stream so after its first chunk, before anything else. */
  readonly refusal?: Status & { readonly afterMs?: number };
  /** Whether heartbeats are echoed to a client that asked for it. Applies to open streams as well. */
  readonly echoes?: boolean;
  /** False: takes nothing off the stream, so that HTTP/2 pushes back. Applies to open streams as well. */
  readonly reads?: boolean;
}

/** A step of a playback, `afterMs` after the step before it. Without a status or a hang at the end, it ends OK. */
export type PlayStep = { readonly afterMs?: number } & (
  | { readonly event: Pick<PlayAudioEvent, "type"> & Partial<PlayAudioEvent> }
  | { readonly status: Status }
  | { readonly hangs: true }
);

export interface PlayBehaviour {
  /** Usually STARTED, PROGRESS, PROGRESS, COMPLETED, each 5 ms after the other. */
  readonly script?: readonly PlayStep[];
}

export interface StopBehaviour extends UnaryBehaviour<StopAudioResponse> {
  /** Stops all that the user plays, whatever is asked. Usual for `old`. */
  readonly stopsEverything?: boolean;
}

/** As servers of Go enforce it: more than `strikesMax` pings that come closer than `intervalMinMs`, and the connection goes. */
export interface PingPolicy {
  readonly intervalMinMs: number;
  readonly strikesMax: number;
}

export interface Behaviours {
  readonly JoinRoom: JoinBehaviour;
  readonly LeaveRoom: UnaryBehaviour<LeaveRoomResponse>;
  readonly StreamAudio: StreamBehaviour;
  readonly PlayAudio: PlayBehaviour;
  readonly StopAudio: StopBehaviour;
  readonly GetStatus: UnaryBehaviour<BridgeStatusResponse>;
  readonly HealthCheck: UnaryBehaviour<HealthCheckResponse>;
  /** `welcome` is usual for `new`; for `old`, 5 minutes and two strikes. Not to be told apart by user. */
  readonly pings: "welcome" | PingPolicy;
}

export type RpcName = Exclude<keyof Behaviours, "pings">;

export const RPC_NAMES: readonly RpcName[] = [
  "JoinRoom",
  "LeaveRoom",
  "StreamAudio",
  "PlayAudio",
  "StopAudio",
  "GetStatus",
  "HealthCheck",
];

const usually: Omit<Behaviours, "pings"> = {
  JoinRoom: { endsOldStream: "before-reply" },
  LeaveRoom: {},
  StreamAudio: { headers: "at-once", echoes: true, reads: true },
  PlayAudio: {
    script: [
      { event: { type: "STARTED" } },
      { afterMs: 5, event: { type: "PROGRESS", duration_ms: 1000, position_ms: 500 } },
      { afterMs: 5, event: { type: "PROGRESS", duration_ms: 1000, position_ms: 1000 } },
      { afterMs: 5, event: { type: "COMPLETED", duration_ms: 1000, position_ms: 1000 } },
    ],
  },
  StopAudio: { stopsEverything: false },
  GetStatus: {},
  HealthCheck: {},
};

export const USUAL: Readonly<Record<Kind, Behaviours>> = {
  new: { ...usually, pings: "welcome" },
  old: {
    ...usually,
    StreamAudio: { headers: "with-first-chunk", echoes: false, reads: true },
    StopAudio: { stopsEverything: true },
    pings: { intervalMinMs: 300_000, strikesMax: 2 },
  },
};
