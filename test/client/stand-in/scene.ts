// What the handlers of the stand-in share.

import type { Metadata } from "@grpc/grpc-js";
import type { BehaviourBook } from "./behaviour-book.js";
import type { RpcName } from "./behaviour.js";
import { nowMs } from "./recorder.js";
import type { OpenRecord, Recorder } from "./recorder.js";
import type { Sessions } from "./sessions.js";

export interface Scene {
  readonly book: BehaviourBook;
  readonly recorder: Recorder;
  readonly sessions: Sessions;
  readonly version: string;
  connectionOf(peer: string): number;
}

interface AnyCall {
  readonly metadata: Metadata;
  getPeer(): string;
  getDeadline(): Date | number;
}

export function record(scene: Scene, rpc: RpcName, call: AnyCall, request: object): OpenRecord {
  const deadlineInMs = Number(call.getDeadline()) - Date.now();
  const fields = request as Record<string, unknown>;
  return scene.recorder.begin({
    rpc,
    userId: typeof fields["user_id"] === "string" ? fields["user_id"] : "",
    request: fields,
    metadata: textOf(call.metadata),
    atMs: nowMs(),
    connection: scene.connectionOf(call.getPeer()),
    ...(Number.isFinite(deadlineInMs) ? { deadlineInMs } : {}),
  });
}

function textOf(metadata: Metadata): Record<string, string> {
  const entries = Object.keys(metadata.getMap()).map((key) => [key, metadata.get(key).map(String).join(",")]);
  return Object.fromEntries(entries) as Record<string, string>;
}
