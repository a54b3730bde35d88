// Datagrams on a stream: where each begins and ends.

export interface Frame {
  /** The datagram is what lies between them. */
  readonly start: number;
  readonly end: number;
  /** Where the next frame begins. */
  readonly next: number;
}

export interface Framing {
  /** Undefined for a datagram that no frame can hold. */
  wrap(datagram: Buffer): Buffer | undefined;
  /** The frame that `bytes` begin with; undefined when they are too few to tell. Throws for what is none. */
  measure(bytes: Buffer): Frame | undefined;
}

const DATAGRAM_MAX_BYTES = 65_535;

/** ICE over TCP: a length of two bytes before each (RFC 4571). */
export const ICE_TCP_FRAMING: Framing = {
  wrap(datagram) {
    if (datagram.length > DATAGRAM_MAX_BYTES) return undefined;
    const frame = Buffer.allocUnsafe(2 + datagram.length);
    frame.writeUInt16BE(datagram.length, 0);
    datagram.copy(frame, 2);
    return frame;
  },
  measure(bytes) {
    if (bytes.length < 2) return undefined;
    const end = 2 + bytes.readUInt16BE(0);
    return { start: 2, end, next: end };
  },
};

const STUN_HEADER_BYTES = 20;
const CHANNEL_HEADER_BYTES = 4;
const CHANNEL_ALIGN_BYTES = 4;

/** TURN over TCP and TLS: each message says its length, and what comes by a channel is padded (RFC 8656, 12.5). */
export const TURN_FRAMING: Framing = {
  wrap(datagram) {
    if (datagram.length < CHANNEL_HEADER_BYTES || datagram.length > DATAGRAM_MAX_BYTES) return undefined;
    if (!isChannelData(datagram)) return datagram;
    return Buffer.concat([datagram], aligned(datagram.length));
  },
  measure(bytes) {
    if (bytes.length < CHANNEL_HEADER_BYTES) return undefined;
    const length = bytes.readUInt16BE(2);
    if (isChannelData(bytes)) {
      const end = CHANNEL_HEADER_BYTES + length;
      return { start: 0, end, next: aligned(end) };
    }
    if (((bytes[0] ?? 0) & 0xc0) !== 0) throw new Error("no message of TURN");
    const end = STUN_HEADER_BYTES + length;
    return { start: 0, end, next: end };
  },
};

function isChannelData(message: Buffer): boolean {
  return ((message[0] ?? 0) & 0xc0) === 0x40;
}

function aligned(length: number): number {
  return Math.ceil(length / CHANNEL_ALIGN_BYTES) * CHANNEL_ALIGN_BYTES;
}

/** Takes a stream as it comes, and gives the datagrams in it. Holds less than one frame. */
export class FrameReader {
  readonly #framing: Framing;
  #rest: Buffer = Buffer.alloc(0);

  constructor(framing: Framing) {
    this.#framing = framing;
  }

  /** Throws for what is no frame; of no use afterwards. */
  push(chunk: Buffer, datagram: (bytes: Buffer) => void): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const frame = this.#framing.measure(bytes);
      if (!frame || frame.next > bytes.length) break;
      datagram(bytes.subarray(frame.start, frame.end));
      bytes = bytes.subarray(frame.next);
    }
    this.#rest = bytes;
  }
}
