// Data packets as they come, made into those of the seam: users' packets only, and each reliable one once.

import { DataPacket as WirePacket } from "@livekit/protocol";
import type { DataPacket } from "../room.js";

/** Senders come and go; this keeps a room of strangers from filling the memory. */
const SENDERS_MAX = 1000;

export class InboundPackets {
  /** After a resume the server sends reliable packets again that it does not know to have arrived. */
  readonly #lastSequences = new Map<string, number>();

  get lastSequences(): ReadonlyMap<string, number> {
    return this.#lastSequences;
  }

  /** Undefined for what is no packet of a user, or one that has come before. Throws for what is none of LiveKit's. */
  read(bytes: Uint8Array, isReliable: boolean): DataPacket | undefined {
    // A view of the library's buffer, which is ours; not one of its own kind, since payloads are plain bytes to everybody else.
    const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const { value, participantIdentity, participantSid, sequence } = WirePacket.fromBinary(plain);
    if (value.case !== "user") return undefined;
    if (isReliable && sequence > 0 && participantSid !== "") {
      if (sequence <= (this.#lastSequences.get(participantSid) ?? 0)) return undefined;
      this.#remember(participantSid, sequence);
    }
    const { payload, topic } = value.value;
    return { payload, senderIdentity: participantIdentity || undefined, topic, isReliable };
  }

  forget(participantSid: string): void {
    this.#lastSequences.delete(participantSid);
  }

  #remember(participantSid: string, sequence: number): void {
    if (this.#lastSequences.size >= SENDERS_MAX && !this.#lastSequences.has(participantSid)) {
      const [oldest] = this.#lastSequences.keys();
      if (oldest !== undefined) this.#lastSequences.delete(oldest);
    }
    this.#lastSequences.set(participantSid, sequence);
  }
}
