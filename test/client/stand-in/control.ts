// What goes between the test and the process, one JSON object a line: commands with their parameters and results, and the
// records that tests read.

import type { Behaviours, CodeName, Kind, RpcName, Status } from "./behaviour.js";

/** Every call as it came, in order. */
export interface RecordedCall {
  readonly rpc: RpcName;
  readonly userId: string;
  /** As on the wire. For StreamAudio: the first chunk, without its audio. */
  readonly request: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Unix time in milliseconds and parts of them, from a clock that is never set: `performance.timeOrigin + performance.now()`. */
  readonly atMs: number;
  /** 1 for the first connection there was. */
  readonly connection: number;
  /** How far off the deadline was when the call came; absent without one. */
  readonly deadlineInMs?: number;
  /** Absent while the call is open. An error is an answer; `cancelled`: the client gave it up, or its connection is gone. */
  readonly outcome?: "answered" | "cancelled";
  readonly endedAtMs?: number;
  /** Of the answer. */
  readonly code?: CodeName;
}

export interface Counts {
  /** TCP connections open now, and ever. */
  readonly connections: number;
  readonly connectionsEver: number;
  /** StreamAudio calls open now, in all and by user. */
  readonly streams: number;
  readonly streamsByUser: Readonly<Record<string, number>>;
  /** Calls that have neither been answered nor given up. */
  readonly openCalls: Readonly<Record<RpcName, number>>;
  readonly sessions: number;
  readonly joins: Readonly<Record<string, number>>;
  /** The most JoinRoom calls of a user that were ever open at once. */
  readonly joinsAtOnceMax: Readonly<Record<string, number>>;
  /** HTTP/2 pings from clients, in all and by connection; answers to the server's own pings are none. */
  readonly pings: number;
  readonly pingsByConnection: Readonly<Record<string, number>>;
  /** Connections closed with too_many_pings. */
  readonly tooManyPings: number;
  /** Calls beyond the most that are kept. */
  readonly callsNotRecorded: number;
}

export interface ReceivedChunk {
  readonly sizeBytes: number;
  readonly trackId: number;
  readonly sampleRate: number;
  readonly channels: number;
  readonly userId: string;
  readonly timestampMs: number;
  /** The chunk that opened its stream; it is no heartbeat. */
  readonly isFirst: boolean;
  readonly isHeartbeat: boolean;
  readonly atMs: number;
  /** Base64 on the way. Left out beyond 1 MiB of a user. */
  readonly pcm?: string;
}

/** All that came up from a user, over all of the user's streams. Totals are exact; of chunks the first 20,000 are kept. */
export interface ReceivedTotals {
  readonly chunks: number;
  readonly bytes: number;
  readonly heartbeats: number;
  readonly bytesByTrack: Readonly<Record<string, number>>;
}

/** How a stream ends: code OK by default. */
export interface StreamEnd extends Partial<Status> {
  /** `bridge-end-reason` in the trailing metadata. None by default. */
  readonly reason?: string;
  /** The session outlives the stream, and GetStatus says connected. Usual for `old` after an OK. */
  readonly keepsSession?: boolean;
}

export interface GoAwayOptions {
  /** The connection by its number; all of them by default. */
  readonly connection?: number;
  /** Of HTTP/2: 0 NO_ERROR (by default), 11 ENHANCE_YOUR_CALM. */
  readonly errorCode?: number;
  readonly debugData?: string;
  /** Closes the connection right after, and all its streams with it. False by default: calls that are open go on. */
  readonly closes?: boolean;
}

export interface SendResult {
  readonly chunks: number;
  readonly bytes: number;
  /** The client, or its connection, took nothing for 2 s, or the stream ended: the rest was not sent. */
  readonly isCutShort: boolean;
}

export interface ListenParams {
  /** 0: any free one below those that the system hands out itself. */
  readonly port: number;
  readonly kind: Kind;
  readonly version: string;
  /** Of the connections that earlier processes at this address had. */
  readonly connectionsBefore: number;
  readonly settings: readonly SetParams[];
}

export interface SetParams {
  readonly behaviour: Partial<Behaviours>;
  /** Absent: for everybody. */
  readonly userId?: string;
}

/** Parameters and result of each command. */
export interface Commands {
  /** Answered as soon as the process is able to listen. */
  hello: [null, null];
  listen: [ListenParams, number];
  set: [SetParams, null];
  once: [SetParams, null];
  calls: [null, readonly RecordedCall[]];
  counts: [null, Counts];
  received: [null, Readonly<Record<string, { chunks: readonly ReceivedChunk[]; totals: ReceivedTotals }>>];
  send: [{ userId: string; chunks: readonly (string | number)[]; everyMs: number }, SendResult];
  /** How many streams ended. */
  endStreams: [{ userId?: string; end: StreamEnd }, number];
  /** How many connections were cut. */
  cut: [{ userId?: string }, number];
  goAway: [GoAwayOptions, number];
}

export type CommandName = keyof Commands;

export interface CommandLine<Name extends CommandName = CommandName> {
  readonly id: number;
  readonly command: Name;
  readonly params: Commands[Name][0];
}

export type ReplyLine = { readonly id: number } & ({ readonly value: unknown } | { readonly error: string });
