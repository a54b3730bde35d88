// Unary calls: each with a deadline, each ended by its caller's AbortSignal, each failing with the client's own error.

import type { CallOptions, ClientUnaryCall, Metadata, ServiceError } from "@grpc/grpc-js";
import { BridgeClientError } from "../errors.js";
import type { Unary } from "./definition.js";
import { fromStatus } from "./status-errors.js";

export interface UnaryCall<Request, Response> {
  /** For error texts: `JoinRoom`. */
  readonly name: string;
  readonly method: Unary<Request, Response>;
  readonly request: Request;
  readonly metadata: Metadata;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export function callUnary<Request, Response>(call: UnaryCall<Request, Response>): Promise<Response> {
  const { name, method, request, metadata, timeoutMs, signal } = call;
  const options: CallOptions = { deadline: Date.now() + timeoutMs };
  return new Promise<Response>((resolve, reject) => {
    if (signal?.aborted === true) return reject(abortedBy(signal, name));
    let under: ClientUnaryCall | undefined;
    const abort = () => under?.cancel();
    const done = (error: ServiceError | null, response?: Response) => {
      signal?.removeEventListener("abort", abort);
      if (error === null && response !== undefined) resolve(response);
      else if (signal?.aborted === true) reject(abortedBy(signal, name));
      else reject(fromStatus(error ?? { code: 13, details: "no answer" }, name));
    };
    signal?.addEventListener("abort", abort, { once: true });
    try {
      under = method(request, metadata, options, done);
    } catch (error) {
      signal?.removeEventListener("abort", abort);
      reject(new BridgeClientError("internal", `${name} could not be called`, { cause: error }));
    }
  });
}

/** What an abort means: the signal's own reason when that is one of our errors. */
export function abortedBy(signal: AbortSignal, what: string): BridgeClientError {
  if (signal.reason instanceof BridgeClientError) return signal.reason;
  return new BridgeClientError("aborted", `${what}: aborted`, { cause: signal.reason });
}
