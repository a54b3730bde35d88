// Which answers may be audio. The format is decided by the bytes and not by Content-Type; here go only answers that are
// none, whatever the decoder would make of them.

import { type IncomingHttpHeaders, STATUS_CODES } from "node:http";
import { tooLarge } from "./body-inbox.js";
import { FetchError } from "./fetch-error.js";
import type { Answer } from "./request.js";

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** 203 is a 200 that a proxy has touched. 206 would be a part that nobody has asked for. */
const GOOD = new Set([200, 203]);

/** Where the answer sends us, if it does. */
export function redirectOf({ status, headers }: Answer): string | undefined {
  if (!REDIRECTS.has(status)) return undefined;
  if (headers.location !== undefined) return headers.location;
  throw new FetchError("http_status", `audio URL answered ${named(status)} without saying where to`);
}

/** Judges status and headers. */
export function refuseAnswer({ status, headers, sizeBytes }: Answer, sizeMaxBytes: number): FetchError | undefined {
  if (!GOOD.has(status)) return new FetchError("http_status", `audio URL answered ${named(status)}`);
  if (isCompressed(headers)) {
    return new FetchError("http_status", "audio URL answered with a compressed body, which was not asked for");
  }
  if (sizeBytes !== undefined && sizeBytes > sizeMaxBytes) return tooLarge(sizeMaxBytes);
  return undefined;
}

/** Judges the beginning of the body; undefined: it ended without any. */
export function refuseBody({ status, headers }: Answer, first: Uint8Array | undefined): FetchError | undefined {
  if (first === undefined) {
    return new FetchError("http_status", `audio URL answered ${named(status)} with an empty body (0 bytes)`);
  }
  if (isWebPage(headers, first)) {
    return new FetchError("http_status", `audio URL answered ${named(status)} with a web page (HTML), not with audio`);
  }
  return undefined;
}

function isCompressed(headers: IncomingHttpHeaders): boolean {
  const content = headers["content-encoding"]?.trim().toLowerCase() ?? "";
  const transfer = headers["transfer-encoding"]?.trim().toLowerCase() ?? "";
  return !["", "identity"].includes(content) || !["", "chunked", "identity"].includes(transfer);
}

/** No audio file begins with "<", so a server that lies about its Content-Type is still heard. */
function isWebPage(headers: IncomingHttpHeaders, first: Uint8Array): boolean {
  const start = Buffer.from(first.subarray(0, 256)).toString("utf8").trimStart().toLowerCase();
  const isSaidToBe = /^\s*(?:text\/html|application\/xhtml\+xml)/i.test(headers["content-type"] ?? "");
  return /^<(?:!doctype html|html)/.test(start) || (isSaidToBe && start.startsWith("<"));
}

/** The server's own words are not repeated: they could say anything. */
function named(status: number): string {
  return `${status} ${STATUS_CODES[status] ?? ""}`.trimEnd();
}
