// Microphone packets that can be told apart: each carries a number and the time it was sent. The number is the time as well,
// in units of a packet's 50 ms, so that it goes on where it was when a phone is killed and another takes its place: what is
// missing between two numbers is the audio that was lost.

export interface PacketMark {
  readonly number: number;
  /** Unix time in milliseconds. */
  readonly sentAtMs: number;
}

export const PACKET_MS = 50;
/** 50 ms of 16 kHz mono. */
export const PACKET_BYTES = 1600;

const MAGIC = 0x4b50_4d4e;
const MARK_BYTES = 20;

export function packetNumberAt(unixMs: number): number {
  return Math.floor(unixMs / PACKET_MS);
}

export function numberedPacket({ number, sentAtMs }: PacketMark): Buffer {
  const packet = Buffer.alloc(PACKET_BYTES, number);
  packet.writeUInt32LE(MAGIC, 0);
  // Too large for 32 bits, and exact in a double.
  packet.writeDoubleLE(number, 4);
  packet.writeDoubleLE(sentAtMs, 12);
  return packet;
}

/** Undefined for what is not such a packet, or not the beginning of one. */
export function readPacketMark(pcm: Uint8Array): PacketMark | undefined {
  const bytes = Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength);
  if (bytes.length < MARK_BYTES || bytes.readUInt32LE(0) !== MAGIC) return undefined;
  return { number: bytes.readDoubleLE(4), sentAtMs: bytes.readDoubleLE(12) };
}
