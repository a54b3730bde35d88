// Data packets as they come, made into those of the seam: users' packets only, and each reliable one once.

import { BinaryReader } from "@bufbuild/protobuf";
import { DataPacket as WirePacket, UserPacket } from "@livekit/protocol";
import type { DataPacket } from "../room.js";

/** Senders come and go; this keeps a room of strangers from filling the memory. */
const SENDERS_MAX = 1000;

const PACKET = {
  user: fieldNumber(WirePacket, "user"),
  participantIdentity: fieldNumber(WirePacket, "participantIdentity"),
  participantSid: fieldNumber(WirePacket, "participantSid"),
  sequence: fieldNumber(WirePacket, "sequence"),
} as const;
const USER = { payload: fieldNumber(UserPacket, "payload"), topic: fieldNumber(UserPacket, "topic") } as const;

export class InboundPackets {
  /** After a resume the server sends reliable packets again that it does not know to have arrived. */
  readonly #lastSequences = new Map<string, number>();

  get lastSequences(): ReadonlyMap<string, number> {
    return this.#lastSequences;
  }

  /** Undefined for what is no packet of a user, or one that has come before. Throws for what is none of LiveKit's. */
  read(bytes: Uint8Array, isReliable: boolean): DataPacket | undefined {
    const packet = readPacket(bytes);
    if (!packet.user) return undefined;
    const { participantSid, sequence, participantIdentity } = packet;
    if (isReliable && sequence > 0 && participantSid !== "") {
      if (sequence <= (this.#lastSequences.get(participantSid) ?? 0)) return undefined;
      this.#remember(participantSid, sequence);
    }
    return { ...packet.user, senderIdentity: participantIdentity || undefined, isReliable };
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

interface User {
  payload: Uint8Array;
  topic: string | undefined;
}

/** The few fields that are needed, since this is done for each packet: the library's own reader builds all there are. */
function readPacket(bytes: Uint8Array) {
  // A view of the library's buffer, which is ours; not one of its own kind, since payloads are plain bytes to everybody else.
  const reader = new BinaryReader(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const packet = { user: undefined as User | undefined, participantIdentity: "", participantSid: "", sequence: 0 };
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === PACKET.user) packet.user = readUser(reader.bytes());
    else if (field === PACKET.participantIdentity) packet.participantIdentity = reader.string();
    else if (field === PACKET.participantSid) packet.participantSid = reader.string();
    else if (field === PACKET.sequence) packet.sequence = reader.uint32();
    else reader.skip(wireType);
  }
  return packet;
}

function readUser(bytes: Uint8Array): User {
  const reader = new BinaryReader(bytes);
  const user: User = { payload: new Uint8Array(0), topic: undefined };
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === USER.payload) user.payload = reader.bytes();
    else if (field === USER.topic) user.topic = reader.string();
    else reader.skip(wireType);
  }
  return user;
}

function fieldNumber(type: typeof WirePacket | typeof UserPacket, name: string): number {
  const field = type.fields.list().find(({ localName }) => localName === name);
  if (!field) throw new Error(`LiveKit's packets have no ${name}`);
  return field.no;
}
