// A bounded queue of packets: so many packets, so many bytes, the oldest goes first.

export interface QueuedPacket {
  readonly payload: Uint8Array;
  /** Monotonic milliseconds of its arrival. */
  readonly atMs: number;
}

export interface PacketQueueLimits {
  readonly packetsMax: number;
  readonly bytesMax: number;
}

export class PacketQueue {
  readonly #limits: PacketQueueLimits;
  #packets: QueuedPacket[] = [];
  /** Index of the oldest packet: shifting an array of 200 on every packet is what this avoids. */
  #head = 0;
  #bytes = 0;

  constructor(limits: PacketQueueLimits) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#packets.length - this.#head;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Appends, and returns what had to go for it, oldest first. A packet above the bound on bytes goes itself. */
  push(packet: QueuedPacket): QueuedPacket[] {
    this.#packets.push(packet);
    this.#bytes += packet.payload.length;
    const dropped: QueuedPacket[] = [];
    while (this.length > this.#limits.packetsMax || this.#bytes > this.#limits.bytesMax) {
      const oldest = this.shift();
      if (!oldest) break;
      dropped.push(oldest);
    }
    return dropped;
  }

  peek(): QueuedPacket | undefined {
    return this.#packets[this.#head];
  }

  shift(): QueuedPacket | undefined {
    const packet = this.#packets[this.#head];
    if (!packet) return undefined;
    this.#head += 1;
    this.#bytes -= packet.payload.length;
    if (this.#head === this.#packets.length) {
      this.#packets = [];
      this.#head = 0;
    } else if (this.#head >= 256) {
      this.#packets = this.#packets.slice(this.#head);
      this.#head = 0;
    }
    return packet;
  }
}
