// What can go wrong with somebody else's URL. The texts reach whoever asked for the playback, so they never hold the URL.

export type FetchErrorCode =
  | "invalid_url"
  | "forbidden"
  | "http_status"
  | "unreachable"
  | "timeout"
  | "too_slow"
  | "too_large"
  | "too_many_redirects"
  | "aborted"
  | "truncated";

export class FetchError extends Error {
  override readonly name = "FetchError";
  readonly code: FetchErrorCode;

  constructor(code: FetchErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export const aborted = (): FetchError => new FetchError("aborted", "audio download aborted");

/** What the network and the HTTP parser throw, in words. Anything else is named by its code and nothing more. */
const REASONS: Readonly<Record<string, string>> = {
  EAI_AGAIN: "its host cannot be looked up at the moment",
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was closed without an answer",
  EHOSTUNREACH: "there is no route to its host",
  ENETUNREACH: "there is no route to its network",
  ENODATA: "its host has no address",
  ENOTFOUND: "its host is not known",
  ETIMEDOUT: "its host does not answer",
};

/** The one way from something thrown before the body to a FetchError. */
export function toFetchError(thrown: unknown): FetchError {
  if (thrown instanceof FetchError) return thrown;
  const code = codeOf(thrown);
  const options = { cause: thrown };
  if (code === "HPE_HEADER_OVERFLOW") {
    return new FetchError("too_large", "audio URL answered with more headers than are read", options);
  }
  if (code.startsWith("HPE_")) {
    return new FetchError("unreachable", `audio URL did not answer in HTTP (${code})`, options);
  }
  const what = /CERT|SELF_SIGNED|ISSUER/.test(code) ? "its TLS certificate is not accepted" : "the connection failed";
  const reason = REASONS[code] ?? `${what} (${code})`;
  return new FetchError("unreachable", `audio URL cannot be reached: ${reason}`, options);
}

function codeOf(thrown: unknown): string {
  if (thrown instanceof Error && "code" in thrown && typeof thrown.code === "string") return thrown.code;
  return "unknown reason";
}
