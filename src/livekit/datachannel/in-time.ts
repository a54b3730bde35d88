// A bound on waiting for the server.

import { LATE, within } from "../../within.js";
import type { Clock } from "../../time.js";
import { RoomConnectError } from "../room.js";

/** The promise's value; rejects with a timeout that says `text` when it does not come in time. */
export async function inTime<T>(clock: Clock, limitMs: number, promise: Promise<T>, text: string): Promise<T> {
  const outcome = await within(clock, limitMs, promise);
  if (outcome === LATE) throw new RoomConnectError("timeout", text);
  return outcome;
}
