// What a measured packet carries at its head: which phase of the run, whose it is, its number and when it was sent. A packet
// of odd length has a byte in front, as phones put it there; bridges take that byte away, so what arrives from a bridge is
// even and a direct subscriber sees it odd.

export interface Mark {
  /** Phase of the run; what belongs to another phase than the measured one is not counted. */
  readonly phase: number;
  readonly user: number;
  /** From 0 in each phase. */
  readonly sequence: number;
  /** `monotonicMs()` of the sender. */
  readonly sentAtMs: number;
}

export const MARK_BYTES = 20;
const MAGIC = 0x42_4e_43_48;

/** `packetNumber` counts on over phases, as a phone's does that knows of none; its last byte goes before an odd packet. */
export function writeMark(packet: Buffer, { phase, user, sequence, sentAtMs }: Mark, packetNumber = sequence): void {
  const start = packet.length % 2;
  if (start === 1) packet[0] = packetNumber & 0xff;
  packet.writeUInt32LE(MAGIC, start);
  packet.writeUInt16LE(phase, start + 4);
  packet.writeUInt16LE(user, start + 6);
  packet.writeUInt32LE(sequence, start + 8);
  packet.writeDoubleLE(sentAtMs, start + 12);
}

/** Undefined for what is not such a packet. */
export function readMark(payload: Uint8Array): Mark | undefined {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  const start = bytes.length % 2;
  if (bytes.length < start + MARK_BYTES || bytes.readUInt32LE(start) !== MAGIC) return undefined;
  return {
    phase: bytes.readUInt16LE(start + 4),
    user: bytes.readUInt16LE(start + 6),
    sequence: bytes.readUInt32LE(start + 8),
    sentAtMs: bytes.readDoubleLE(start + 12),
  };
}
