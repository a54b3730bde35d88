// One error type with a closed set of codes. docs/client.md lists them, and a test compares the two.

/** Every code with what it means. */
export const CLIENT_ERROR_CODES = {
  disposed: "the client was disposed",
  aborted: "the caller's AbortSignal fired",
  disconnected: "the client was told to disconnect",
  superseded: "a newer connect, rejoin or attachment took its place",
  join_failed: "the bridge answered JoinRoom with success=false; the message is the bridge's own",
  join_target_failed: "the application's join callback threw, or gave no token in time",
  not_accepted: "the bridge did not accept the stream in time",
  stream_silent: "no heartbeat was echoed for 10 s",
  stream_ended: "the stream ended cleanly and is not opened again by itself; the message names the reason",
  not_connected: "no stream is up",
  unavailable: "the bridge cannot be reached, or drains",
  deadline_exceeded: "an answer did not come in time",
  not_found: "the bridge knows no such session or playback",
  unimplemented: "the bridge is older than the call",
  invalid_argument: "the bridge, or the client before it, refuses a value",
  permission_denied: "the bridge refuses the call or an audio URL",
  unauthenticated: "the bridge wants other credentials",
  resource_exhausted: "the bridge is full, or a message is too large",
  failed_precondition: "the room is not connected at the moment",
  internal: "something in the bridge, or in this library, went wrong",
} as const;

export type ClientErrorCode = keyof typeof CLIENT_ERROR_CODES;

export class BridgeClientError extends Error {
  override readonly name = "BridgeClientError";
  readonly code: ClientErrorCode;
  /** What the bridge sent as `bridge-end-reason`, for an ended stream. */
  readonly endReason: string | undefined;

  constructor(code: ClientErrorCode, message: string, options: ErrorOptions & { readonly endReason?: string } = {}) {
    super(message, options);
    this.code = code;
    this.endReason = options.endReason;
  }
}

/** The one way from whatever was thrown to an error of this library. */
export function toClientError(thrown: unknown): BridgeClientError {
  if (thrown instanceof BridgeClientError) return thrown;
  return new BridgeClientError("internal", thrown instanceof Error ? thrown.message : String(thrown), {
    cause: thrown,
  });
}
