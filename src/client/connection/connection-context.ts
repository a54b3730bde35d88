import type { JoinInfo } from "../bridge-client.js";
import type { BridgeClientError } from "../errors.js";
import type { ClientLimits } from "../limits.js";

/** What the chart asks of the world. Every method is total and returns at once. */
export interface ConnectionPorts {
  /** Drawn for the n-th failure in a row. */
  nextDelayMs(attempt: number): number;
  joined(info: JoinInfo): void;
  streaming(): void;
  /** `retryInMs` is absent when nothing more is tried. */
  failed(error: BridgeClientError | undefined, attempt: number, retryInMs?: number): void;
  /** The bridge ended the stream in order, and the client stays out. */
  ended(reason: string): void;
  /** Tells the bridge, after whatever is being told it. */
  leave(reason: string): void;
  /** Before the join that takes the place of a session: for a bridge that does not replace sessions by itself. */
  makeWay(): void;
  crashed(cause: unknown): BridgeClientError;
  endedAsFailure(reason: string): BridgeClientError;
}

export interface ConnectionInput {
  readonly limits: ClientLimits;
  readonly ports: ConnectionPorts;
}

export interface ConnectionContext {
  readonly limits: ClientLimits;
  readonly ports: ConnectionPorts;
  /** The number of the join that is under way or comes next, counted from the last stable stream. */
  readonly attempt: number;
  /** Failures are followed by another attempt. */
  readonly isPersistent: boolean;
  readonly failure: BridgeClientError | undefined;
  readonly delayMs: number;
}

export type ConnectionEvent =
  | { readonly type: "connect"; readonly isPersistent: boolean }
  | { readonly type: "rejoin"; readonly isPersistent: boolean; readonly isRestart: boolean }
  | { readonly type: "disconnect"; readonly reason: string }
  | { readonly type: "dispose"; readonly reason: string }
  | { readonly type: "attempt.joined"; readonly info: JoinInfo }
  | { readonly type: "attempt.accepted" }
  | { readonly type: "attempt.failed"; readonly error: BridgeClientError }
  | { readonly type: "attempt.ended"; readonly reason: string }
  | { readonly type: "channel.back" };

export interface AttemptInput {
  readonly attempt: number;
}

export interface ChannelWatchInput {
  readonly delayMs: number;
  /** The first since a stream was up and stable. */
  readonly isFirstFailure: boolean;
}

interface WithContext {
  readonly context: ConnectionContext;
}

export const connectionContext = ({ input }: { readonly input: ConnectionInput }): ConnectionContext => ({
  limits: input.limits,
  ports: input.ports,
  attempt: 1,
  isPersistent: false,
  failure: undefined,
  delayMs: 0,
});

export const attemptInput = ({ context }: WithContext): AttemptInput => ({ attempt: context.attempt });
export const channelWatchInput = ({ context }: WithContext): ChannelWatchInput => ({
  delayMs: context.delayMs,
  isFirstFailure: context.attempt === 1,
});
