// What the chart of a room's connection knows and is told, and what it has others do.

import type { RoomEndReason } from "../room.js";

export interface RoomConnectionLimits {
  /** The server may say why it has closed the transport; so long is waited for that. */
  readonly lastWordMs: number;
  /** A lost room is given up after this. */
  readonly reconnectMaxMs: number;
}

/** Everything that acts. Promises reject when what they were asked for did not work, and leave nothing behind then. */
export interface RoomConnectionPorts {
  join(signal: AbortSignal): Promise<void>;
  /** A new connection to the server, for the transport that still stands. */
  resume(signal: AbortSignal): Promise<void>;
  /** Everything anew: connection, transport, tracks. */
  rejoin(signal: AbortSignal): Promise<void>;
  /** Says good-bye and lets go of everything. Never rejects. */
  leave(): Promise<void>;
  joined(): void;
  joinFailed(error: unknown): void;
  reconnecting(): void;
  reconnected(): void;
  ended(reason: RoomEndReason): void;
  /** Milliseconds to wait before the next attempt, after so many that failed. */
  backoffMs(failures: number): number;
  /** The transport still stands, so that a new connection to the server is all that is needed. */
  isPeerAlive(): boolean;
}

export type RoomConnectionEvent =
  | { readonly type: "signal.lost" }
  | { readonly type: "peer.lost" }
  /** The server ends it for good. */
  | { readonly type: "server.ended"; readonly reason: RoomEndReason }
  /** The server wants everything anew. */
  | { readonly type: "server.rejoin" }
  | { readonly type: "close" };

export interface RoomConnectionInput {
  readonly ports: RoomConnectionPorts;
  readonly limits: RoomConnectionLimits;
}

export interface RoomConnectionContext extends RoomConnectionInput {
  /** Attempts in a row that failed. */
  readonly failures: number;
  readonly endReason: RoomEndReason;
}

export const roomConnectionContext = ({ input }: { readonly input: RoomConnectionInput }): RoomConnectionContext => ({
  ...input,
  failures: 0,
  endReason: "connection_lost",
});

export const portsOf = ({ context }: { readonly context: RoomConnectionContext }): RoomConnectionPorts => context.ports;
