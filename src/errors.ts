// One error type with a closed set of codes for everything that can go wrong before and around serving. docs/errors.md
// explains each; a test holds the two together.

export const ERROR_CODES = [
  "config_invalid",
  "proto_not_found",
  "proto_invalid",
  "address_in_use",
  "address_invalid",
  "engine_unavailable",
  "internal",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export class BridgeError extends Error {
  override readonly name = "BridgeError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The one way from something thrown to a BridgeError. */
export function toBridgeError(thrown: unknown): BridgeError {
  if (thrown instanceof BridgeError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new BridgeError("internal", message, { cause: thrown });
}
