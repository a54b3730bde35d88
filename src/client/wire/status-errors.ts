// gRPC's status codes in the client's own words, and texts without secrets: an old bridge may quote a URL with a token.
// For the same reason grpc-js's error is not kept as a cause.

import { status } from "@grpc/grpc-js";
import type { ClientErrorCode } from "../errors.js";
import { BridgeClientError } from "../errors.js";

const CODES: Readonly<Partial<Record<number, ClientErrorCode>>> = {
  [status.CANCELLED]: "aborted",
  [status.INVALID_ARGUMENT]: "invalid_argument",
  [status.DEADLINE_EXCEEDED]: "deadline_exceeded",
  [status.NOT_FOUND]: "not_found",
  [status.PERMISSION_DENIED]: "permission_denied",
  [status.RESOURCE_EXHAUSTED]: "resource_exhausted",
  [status.FAILED_PRECONDITION]: "failed_precondition",
  [status.UNIMPLEMENTED]: "unimplemented",
  [status.UNAVAILABLE]: "unavailable",
  [status.UNAUTHENTICATED]: "unauthenticated",
};

export function fromStatus(
  error: { readonly code: number; readonly details: string },
  what: string,
  endReason?: string,
): BridgeClientError {
  const name = status[error.code] ?? String(error.code);
  const details = withoutSecrets(error.details);
  return new BridgeClientError(
    CODES[error.code] ?? "internal",
    `${what}: ${name}${details ? `: ${details}` : ""}`,
    endReason === undefined ? {} : { endReason },
  );
}

const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/eyJ[\w-]+\.[\w-]+\.[\w-]*/g, "[token]"],
  [/\b(access_token|token)=[^&\s"']+/gi, "$1=[token]"],
];

export function withoutSecrets(text: string): string {
  return SECRETS.reduce((cleaned, [pattern, replacement]) => cleaned.replace(pattern, replacement), text);
}
