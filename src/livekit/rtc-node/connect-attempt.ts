// One attempt to join. LiveKit's protocol has no request that cancels a connect, so an attempt that is given up goes on
// natively: it is awaited, and the room it may still reach is left again before the attempt counts as over.

import type { Clock } from "../../time.js";
import { RoomConnectError } from "../room.js";
import type { ConnectRequest } from "../room.js";
import { checkToken, parseServerUrl } from "../connect-check.js";
import type { ConnectThrottle } from "../connect-throttle.js";
import { toConnectError } from "./connect-errors.js";
import type { Answer } from "./ffi-client.js";
import type { ConnectResult } from "./rtc-room.js";
import { LATE, within } from "../../within.js";

export interface ConnectAttemptParts {
  readonly clock: Clock;
  readonly throttle: ConnectThrottle;
  /** Given up natively unsettled after this, in milliseconds. */
  readonly settleMaxMs: number;
  /** Starts the native connect. Never rejects. */
  readonly callConnect: (request: ConnectRequest) => Promise<Answer<"connect"> | Error>;
  /** Leaves a room that nobody wants any more. */
  readonly leave: (result: ConnectResult) => Promise<void>;
  /** A connect that was given up unsettled; resolves when it has settled and its room is left. */
  readonly onAbandoned: (settled: Promise<void>) => void;
}

export interface ConnectAttempt {
  /** Settles as `RoomEngine.connect` promises. */
  readonly joined: Promise<ConnectResult>;
  abort(): void;
  /** The native part is gone and will not answer any more. */
  drop(): void;
}

export function startConnectAttempt(request: ConnectRequest, parts: ConnectAttemptParts): ConnectAttempt {
  const abort = new AbortController();
  const onAbort = (): void => abort.abort();
  if (request.signal.aborted) abort.abort();
  else request.signal.addEventListener("abort", onAbort, { once: true });
  let drop = (): void => undefined;
  const dropped = new Promise<Error>((resolve) => {
    drop = () => resolve(new Error("the engine was disposed"));
  });
  const joined = join(request, parts, abort.signal, dropped).finally(() => {
    request.signal.removeEventListener("abort", onAbort);
  });
  return { joined, abort: onAbort, drop: () => drop() };
}

async function join(
  request: ConnectRequest,
  parts: ConnectAttemptParts,
  signal: AbortSignal,
  dropped: Promise<Error>,
): Promise<ConnectResult> {
  const server = parseServerUrl(request.url);
  checkToken(request.token);
  const giveBack = await parts.throttle.acquire(server, signal).catch(() => {
    throw new RoomConnectError("aborted", "given up before its turn");
  });
  const answer = parts.callConnect(request).finally(giveBack);
  const outcome = await within(parts.clock, parts.settleMaxMs, Promise.race([answer, dropped]));
  if (outcome === LATE) {
    parts.onAbandoned(answer.then((late) => leaveLate(late, parts)));
    throw new RoomConnectError(signal.aborted ? "aborted" : "timeout", "the connect did not settle in time");
  }
  const result = resultOf(outcome);
  if (!signal.aborted) {
    if (typeof result !== "string") return result;
    throw toConnectError(result, request.token);
  }
  if (typeof result !== "string") await parts.leave(result);
  throw new RoomConnectError("aborted", "given up");
}

/** The room, or what the native part says about why there is none. */
function resultOf(outcome: Answer<"connect"> | Error): ConnectResult | string {
  if (outcome instanceof Error) return outcome.message;
  return outcome.message.case === "result" ? outcome.message.value : (outcome.message.value ?? "");
}

async function leaveLate(late: Answer<"connect"> | Error, parts: ConnectAttemptParts): Promise<void> {
  const result = resultOf(late);
  if (typeof result !== "string") await parts.leave(result);
}
