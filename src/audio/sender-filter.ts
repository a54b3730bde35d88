// Whose packets are the microphone. LiveKit announces a participant that publishes no track up to 3 s after its first
// packets; until then nobody knows who sent them. Such packets wait while the target is not in the room, and are the
// target's when it is the next to be announced. When somebody else is announced first they might be theirs, and go.
// With the target in the room a packet without a sender is from the server's own API, which is nobody.

import type { DataPacket } from "../livekit/room.js";
import { PacketQueue } from "./packet-queue.js";

const HELD_MAX_MS = 3000;
const HELD_LIMITS = { packetsMax: 512, bytesMax: 512 * 1024 };

export interface SenderFilterOptions {
  /** Empty means everybody. */
  readonly targetIdentity: string;
  readonly now: () => number;
  readonly accept: (payload: Uint8Array, arrivedAtMs: number) => void;
  readonly reject: () => void;
}

export class SenderFilter {
  readonly #options: SenderFilterOptions;
  #isTargetPresent = false;
  #held: PacketQueue | undefined;

  constructor(options: SenderFilterOptions) {
    this.#options = options;
  }

  packet(packet: DataPacket): void {
    const { targetIdentity, now, accept, reject } = this.#options;
    if (targetIdentity === "" || packet.senderIdentity === targetIdentity) {
      accept(packet.payload, now());
      return;
    }
    if (packet.senderIdentity !== undefined || this.#isTargetPresent) {
      reject();
      return;
    }
    this.#held ??= new PacketQueue(HELD_LIMITS);
    this.#forgetOld(this.#held);
    for (const _ of this.#held.push({ payload: packet.payload, atMs: now() })) reject();
  }

  joined(identity: string): void {
    const { targetIdentity, accept, reject } = this.#options;
    const held = this.#held;
    this.#held = undefined;
    const isTarget = identity === targetIdentity;
    if (isTarget) this.#isTargetPresent = true;
    if (!held) return;
    this.#forgetOld(held);
    for (let packet = held.shift(); packet; packet = held.shift()) {
      if (isTarget) accept(packet.payload, packet.atMs);
      else reject();
    }
  }

  left(identity: string): void {
    if (identity === this.#options.targetIdentity) this.#isTargetPresent = false;
  }

  #forgetOld(held: PacketQueue): void {
    const { now, reject } = this.#options;
    for (let oldest = held.peek(); oldest && now() - oldest.atMs > HELD_MAX_MS; oldest = held.peek()) {
      held.shift();
      reject();
    }
  }
}
