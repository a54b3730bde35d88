// What all unary calls have in common: late, never, or an error if so told; else the usual answer with some fields changed.

import type { sendUnaryData, ServerUnaryCall } from "@grpc/grpc-js";
import { onCancelled } from "../../../src/grpc/http2-stream.js";
import type { CodeName, UnaryBehaviour } from "./behaviour.js";
import { toGrpcStatus } from "./status.js";
import { pause } from "./within.js";

export interface UnaryCall<Reply> {
  readonly behaviour: UnaryBehaviour<Reply>;
  /** Fires when the client gives the call up, and when it has been answered. */
  readonly over: AbortSignal;
  /** Answers, if the client is still there and nobody has before. */
  answer(reply: Reply): void;
  error(): void;
}

export function takeUnary<Request, Reply>(
  call: ServerUnaryCall<Request, Reply>,
  callback: sendUnaryData<Reply>,
  behaviour: UnaryBehaviour<Reply>,
  ended: (outcome: "answered" | "cancelled", code: CodeName) => void,
): UnaryCall<Reply> {
  const over = new AbortController();
  const finish = (outcome: "answered" | "cancelled", code: CodeName, send: () => void) => {
    if (over.signal.aborted) return;
    // Recorded before it is sent, so that whoever has the answer finds it recorded.
    ended(outcome, code);
    over.abort();
    send();
  };
  onCancelled(
    call,
    () => finish("cancelled", "CANCELLED", () => {}),
    (error) => {
      throw error;
    },
  );
  return {
    behaviour,
    over: over.signal,
    answer: (reply) => finish("answered", "OK", () => callback(null, { ...reply, ...behaviour.reply })),
    error() {
      const { error } = behaviour;
      if (error) finish("answered", error.code, () => callback(toGrpcStatus(error)));
    },
  };
}

/** For calls that do nothing but answer. */
export async function answerUnary<Reply>(call: UnaryCall<Reply>, usual: () => Reply): Promise<void> {
  const { behaviour, over } = call;
  if (behaviour.hangs === true) return;
  if (behaviour.delayMs !== undefined && !(await pause(behaviour.delayMs, over))) return;
  if (behaviour.error) call.error();
  else call.answer(usual());
}
