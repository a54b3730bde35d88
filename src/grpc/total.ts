// Handlers are total: a throw or a rejection becomes INTERNAL for that one call, at once, and never reaches the process.

import { Metadata, status } from "@grpc/grpc-js";
import type { handleBidiStreamingCall, handleServerStreamingCall, handleUnaryCall } from "@grpc/grpc-js";

export type ReportFailure = (rpc: string, error: unknown) => void;

const INTERNAL = { code: status.INTERNAL, details: "internal error" };

export function totalUnary<Request, Response>(
  rpc: string,
  report: ReportFailure,
  handler: handleUnaryCall<Request, Response>,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    attempt(
      () => handler(call, callback),
      (error) => {
        report(rpc, error);
        callback(INTERNAL);
      },
    );
  };
}

export function totalStream<Call extends StreamingCall>(
  rpc: string,
  report: ReportFailure,
  handler: (call: Call) => void,
): (call: Call) => void {
  return (call) => {
    // Without a listener an `error` event would be thrown at the process.
    call.on("error", () => {});
    attempt(
      () => handler(call),
      (error) => {
        report(rpc, error);
        call.emit("error", { ...INTERNAL, metadata: new Metadata() });
      },
    );
  };
}

type StreamingCall =
  | Parameters<handleServerStreamingCall<object, object>>[0]
  | Parameters<handleBidiStreamingCall<object, object>>[0];

/** Runs what may be a plain function or, whatever its type says, an async one. */
function attempt(work: () => unknown, failed: (error: unknown) => void): void {
  try {
    const result = work();
    if (result instanceof Promise) result.catch(failed);
  } catch (error) {
    failed(error);
  }
}
