// grpc-js queues a status behind data that the peer does not take, and hears of a reset only when what was read has been
// consumed. Both are known one floor below, on the HTTP/2 stream, which grpc-js keeps to itself: this file is the only
// place that reaches for it, a test fails when the pinned version no longer has it.

import type { EventEmitter } from "node:events";
import type { ServerHttp2Stream } from "node:http2";

interface CallWithStream {
  readonly call?: { readonly stream?: ServerHttp2Stream };
}

export function http2StreamOf(call: object): ServerHttp2Stream | undefined {
  return (call as CallWithStream).call?.stream;
}

/**
 * Calls `cancelled` once when the client gives the call up or its connection is gone, however little has been read of it.
 * What it throws goes to `failed`; above an event of a socket there is only the process.
 */
export function onCancelled(call: EventEmitter, cancelled: () => void, failed: (error: unknown) => void): void {
  let isTold = false;
  const tell = () => {
    if (isTold) return;
    isTold = true;
    try {
      cancelled();
    } catch (error) {
      failed(error);
    }
  };
  call.once("cancelled", tell);
  http2StreamOf(call)?.once("aborted", tell);
}
