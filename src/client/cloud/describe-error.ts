// Errors as log lines carry them: the code and the message, without whatever looks like a token in it.

import { BridgeClientError } from "../errors.js";

export function describeError(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const safe = text
    .replaceAll(/eyJ[\w-]+(?:\.[\w-]*){1,2}/g, "[token]")
    .replaceAll(/(access_token=)[^&\s"]+/g, "$1[token]");
  return error instanceof BridgeClientError ? `${error.code}: ${safe}` : safe;
}
