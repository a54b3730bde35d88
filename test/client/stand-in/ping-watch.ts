// How a server of Go judges the pings of one connection (grpc-go, internal/transport/http2_server.go, handlePing): a ping
// after data or headers from the server is always welcome; any other must keep its distance, and each that does not is a strike.

import type { PingPolicy } from "./behaviour.js";
import { FLAG, FRAME } from "./http2-frames.js";
import type { Frame } from "./http2-frames.js";

/** Without a call open, nobody has a reason to ping. */
const INTERVAL_WITHOUT_CALLS_MIN_MS = 7_200_000;

export class PingWatch {
  pings = 0;
  /** The newest stream that the client opened. */
  lastStreamId = 0;
  readonly #openStreams = new Set<number>();
  #lastPingAtMs = -Infinity;
  #strikes = 0;
  #isForgiven = false;

  /** True when this frame is the ping too many. */
  fromClient(frame: Frame, policy: PingPolicy | "welcome", nowMs: number): boolean {
    if (frame.type === FRAME.headers && frame.streamId > this.lastStreamId) {
      this.lastStreamId = frame.streamId;
      this.#openStreams.add(frame.streamId);
    }
    if (frame.type === FRAME.resetStream) this.#openStreams.delete(frame.streamId);
    if (frame.type !== FRAME.ping || (frame.flags & FLAG.ack) !== 0) return false;
    this.pings += 1;
    return policy !== "welcome" && this.#isTooMany(policy, nowMs);
  }

  fromServer(frame: Frame): void {
    if (frame.type !== FRAME.data && frame.type !== FRAME.headers && frame.type !== FRAME.resetStream) return;
    const isEnd = frame.type === FRAME.resetStream || (frame.flags & FLAG.endStream) !== 0;
    if (isEnd) this.#openStreams.delete(frame.streamId);
    if (frame.type !== FRAME.resetStream) this.#isForgiven = true;
  }

  #isTooMany(policy: PingPolicy, nowMs: number): boolean {
    const sinceLastMs = nowMs - this.#lastPingAtMs;
    this.#lastPingAtMs = nowMs;
    if (this.#isForgiven) {
      this.#isForgiven = false;
      this.#strikes = 0;
      return false;
    }
    const isIdle = this.#openStreams.size === 0;
    if (sinceLastMs < (isIdle ? INTERVAL_WITHOUT_CALLS_MIN_MS : policy.intervalMinMs)) this.#strikes += 1;
    return this.#strikes > policy.strikesMax;
  }
}
