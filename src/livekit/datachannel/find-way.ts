// How a transport gets through: over UDP if that is possible, otherwise over TCP; the other way round where TCP was the way of late.

import { LATE, within } from "../../within.js";
import { RoomConnectError } from "../room.js";
import type { CompleteOptions } from "./options.js";
import type { PeerTransport } from "./peer-transport.js";

/** The server has let us in, and packets cannot get through. */
export class NoWayError extends RoomConnectError {
  constructor() {
    super("timeout", "no way for packets was found: UDP, TCP and the server's relays were tried");
  }
}

/** Resolves with `opened`, when packets can flow. `sinceMs`: when the offer was made. */
export async function findWay(
  peer: PeerTransport,
  opened: Promise<void>,
  { clock, firstWayMs, peerTimeoutMs }: CompleteOptions,
  sinceMs: number,
): Promise<void> {
  const leftMs = sinceMs + peerTimeoutMs - clock.now();
  const firstMs = Math.min(firstWayMs, leftMs);
  if ((await within(clock, firstMs, opened)) !== LATE) return;
  peer.tryAllWays();
  if ((await within(clock, leftMs - firstMs, opened)) === LATE) throw new NoWayError();
}
