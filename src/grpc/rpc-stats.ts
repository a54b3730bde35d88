// How often each call was made, how it ended and how long it took, for metrics. Messages are counted where they are parsed
// and serialized anyway. What a call ended with is read from what was really sent: grpc-js answers some calls by itself, and
// an answer that is never taken is none.

import type { EventEmitter } from "node:events";
import type { MethodDefinition, ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import { status } from "@grpc/grpc-js";
import { Histogram } from "../histogram.js";
import type { Clock } from "../time.js";
import { SERVICE_NAME } from "./definition.js";
import { http2StreamOf } from "./http2-stream.js";

export type RpcType = "unary" | "client_stream" | "server_stream" | "bidi_stream";

export interface RpcStats {
  readonly service: string;
  readonly method: string;
  readonly type: RpcType;
  started: number;
  messagesReceived: number;
  messagesSent: number;
  /** Ended calls by gRPC status code, 0 to 16. */
  readonly handled: number[];
  /** Seconds from the call to its end; of a stream that is its whole life. */
  readonly handlingS: Histogram;
}

export interface CountedService {
  readonly service: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
  readonly stats: readonly RpcStats[];
}

/** Up to half a minute for calls that are answered; beyond it for streams, which live as long as a user wears the device. */
const HANDLING_BOUNDS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 28_800];
const CODES = status.UNAUTHENTICATED + 1;

/** The same service, with counters around it. */
export function countService(
  service: ServiceDefinition,
  implementation: UntypedServiceImplementation,
  clock: Clock,
): CountedService {
  const counted: Record<string, MethodDefinition<unknown, unknown>> = {};
  const handlers: UntypedServiceImplementation = {};
  const stats: RpcStats[] = [];
  for (const [name, method] of Object.entries(service)) {
    const rpc = createRpcStats(name, method);
    stats.push(rpc);
    counted[name] = countMessages(method, rpc);
    const handler = implementation[name];
    if (handler) handlers[name] = countCalls(handler, rpc, clock);
  }
  return { service: counted, implementation: handlers, stats };
}

function createRpcStats(name: string, method: MethodDefinition<unknown, unknown>): RpcStats {
  return {
    service: SERVICE_NAME,
    method: name,
    type: typeOf(method),
    started: 0,
    messagesReceived: 0,
    messagesSent: 0,
    handled: Array.from({ length: CODES }, () => 0),
    handlingS: new Histogram(HANDLING_BOUNDS_S),
  };
}

function typeOf({ requestStream, responseStream }: MethodDefinition<unknown, unknown>): RpcType {
  if (requestStream) return responseStream ? "bidi_stream" : "client_stream";
  return responseStream ? "server_stream" : "unary";
}

function countMessages(method: MethodDefinition<unknown, unknown>, rpc: RpcStats): MethodDefinition<unknown, unknown> {
  const { requestDeserialize, responseSerialize } = method;
  return {
    ...method,
    requestDeserialize(bytes) {
      const message = requestDeserialize(bytes);
      rpc.messagesReceived += 1;
      return message;
    },
    responseSerialize(message) {
      rpc.messagesSent += 1;
      return responseSerialize(message);
    },
  };
}

type Handler = UntypedServiceImplementation[string];

function countCalls(handler: Handler, rpc: RpcStats, clock: Clock): Handler {
  return (call: EventEmitter, ...rest: unknown[]) => {
    watchCall(call, rpc, clock);
    Reflect.apply(handler, undefined, [call, ...rest]);
  };
}

function watchCall(call: EventEmitter, rpc: RpcStats, clock: Clock): void {
  const stream = http2StreamOf(call);
  if (!stream) return;
  rpc.started += 1;
  const startedAtMs = clock.now();
  let meant: status | undefined;
  call.once("error", ({ code }: { readonly code?: status }) => {
    meant = code;
  });
  stream.once("close", () => {
    const sent = stream.sentTrailers?.["grpc-status"] ?? stream.sentHeaders?.["grpc-status"];
    const code = sent === undefined ? (meant ?? status.CANCELLED) : Number(sent);
    const index = code >= 0 && code < CODES ? code : status.UNKNOWN;
    rpc.handled[index] = (rpc.handled[index] ?? 0) + 1;
    rpc.handlingS.observe((clock.now() - startedAtMs) / 1000);
  });
}
