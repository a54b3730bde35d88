// A status waits behind data that is not taken, and a peer may never close its half: neither lasts.

import type { Clock } from "../time.js";
import { http2StreamOf } from "./http2-stream.js";

export function resetIfStuck(call: object, clock: Clock, afterMs: number): void {
  const stream = http2StreamOf(call);
  if (!stream || stream.destroyed) return;
  const timer = clock.setTimeout(() => stream.destroy(), afterMs);
  stream.once("close", () => clock.clearTimeout(timer));
}
