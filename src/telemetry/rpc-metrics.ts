// The calls, under the names and in the spelling that Go's gRPC middleware has made common: dashboards and alert rules that
// people have fit.

import type { RpcStats } from "../grpc/rpc-stats.js";
import type { MetricTable, Sample } from "./metric-table.js";

/** By gRPC status code. */
export const CODE_NAMES = [
  "OK",
  "Canceled",
  "Unknown",
  "InvalidArgument",
  "DeadlineExceeded",
  "NotFound",
  "AlreadyExists",
  "PermissionDenied",
  "ResourceExhausted",
  "FailedPrecondition",
  "Aborted",
  "OutOfRange",
  "Unimplemented",
  "Internal",
  "Unavailable",
  "DataLoss",
  "Unauthenticated",
] as const;

const LABELS = ["grpc_type", "grpc_service", "grpc_method"];

export function addRpcMetrics<Figures>(table: MetricTable<Figures>, rpcs: readonly RpcStats[]): void {
  const count = (name: string, help: string, read: (rpc: RpcStats) => number) =>
    table.labelledCounter(name, help, LABELS, () => rpcs.map((rpc) => ({ labels: labelsOf(rpc), value: read(rpc) })));
  count("grpc_server_started_total", "Calls that began.", ({ started }) => started);
  table.labelledCounter("grpc_server_handled_total", "Calls that ended, by status.", [...LABELS, "grpc_code"], () =>
    rpcs.flatMap(handledSamples),
  );
  count("grpc_server_msg_received_total", "Messages received.", ({ messagesReceived }) => messagesReceived);
  count("grpc_server_msg_sent_total", "Messages sent.", ({ messagesSent }) => messagesSent);
  table.labelledHistogram("grpc_server_handling_seconds", "From a call's beginning to its end.", LABELS, () =>
    rpcs.map((rpc) => ({ labels: labelsOf(rpc), value: rpc.handlingS })),
  );
}

function handledSamples(rpc: RpcStats): Sample[] {
  return CODE_NAMES.map((name, code) => ({
    labels: { ...labelsOf(rpc), grpc_code: name },
    value: rpc.handled[code] ?? 0,
  }));
}

function labelsOf({ type, service, method }: RpcStats) {
  return { grpc_type: type, grpc_service: service, grpc_method: method };
}
