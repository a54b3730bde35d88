// One GET on one fresh connection, which ends with it. No cookies, no credentials, no proxy, nothing that is kept for the
// next request.

import { type IncomingHttpHeaders, type IncomingMessage, request as sendRequest } from "node:http";
import type { Socket } from "node:net";
import type { AudioUrl } from "./audio-url.js";
import { BodyInbox } from "./body-inbox.js";
import { FetchError } from "./fetch-error.js";
import { GatedSocket } from "./gated-socket.js";

const HEADERS_MAX_BYTES = 16 * 1024;
/** Interim answers (1xx) before the real one. */
const INTERIM_MAX = 10;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** By Content-Length; undefined if it gives none that counts. */
  readonly sizeBytes: number | undefined;
  readonly inbox: BodyInbox;
}

/** Resolves with the headers; the body gathers in the inbox from then on. Rejects with what the network throws. */
export function request(url: AudioUrl, socket: Socket, sizeMaxBytes: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const gated = new GatedSocket(socket);
    const sent = sendRequest({
      method: "GET",
      path: url.path,
      setHost: false,
      headers: {
        Host: url.host,
        Accept: "*/*",
        // What is compressed grows when it is unpacked, to any size. Audio is compressed already.
        "Accept-Encoding": "identity",
        "User-Agent": "livekit-grpc-bridge",
        Connection: "close",
      },
      maxHeaderSize: HEADERS_MAX_BYTES,
      insecureHTTPParser: false,
      createConnection: () => gated,
    });
    let interim = 0;
    sent.on("information", () => {
      interim += 1;
      if (interim <= INTERIM_MAX) return;
      reject(new FetchError("unreachable", "audio URL sent too many interim answers"));
      sent.destroy();
    });
    sent.on("error", reject);
    // Not every end is an error to Node: a server that switches to another protocol is hung up on without a word.
    sent.once("close", () => reject(Object.assign(new Error("closed"), { code: "ECONNRESET" })));
    sent.once("response", (response) => {
      const sizeBytes = sizeOf(response.headers);
      const gate = { shut: () => gated.shut(), open: () => gated.open(), close: () => void gated.destroy() };
      const inbox = new BodyInbox(gate, sizeMaxBytes);
      gather(response, inbox, sizeBytes);
      resolve({ status: response.statusCode ?? 0, headers: response.headers, sizeBytes, inbox });
    });
    sent.end();
  });
}

function gather(response: IncomingMessage, inbox: BodyInbox, sizeBytes: number | undefined): void {
  const brokenOff = (cause?: unknown) => {
    const whole = sizeBytes === undefined ? "" : ` of ${sizeBytes}`;
    const message = `audio URL broke off after ${inbox.receivedBytes}${whole} bytes`;
    inbox.end(new FetchError("truncated", message, { cause }));
  };
  response.on("data", (chunk: Buffer) => inbox.push(chunk));
  response.once("end", () => (response.complete ? inbox.end() : brokenOff()));
  response.on("error", brokenOff);
  response.once("close", () => brokenOff());
}

function sizeOf(headers: IncomingHttpHeaders): number | undefined {
  const text = headers["content-length"];
  const counts = text !== undefined && /^\d+$/.test(text) && headers["transfer-encoding"] === undefined;
  return counts ? Number(text) : undefined;
}
