// Room → cloud. Packets go out at once and in order; one write at most is with the transport, the rest waits in a bounded
// queue. Without a stream the last second is kept for the next one.

import type { AudioStats } from "./audio-stats.js";
import type { DownlinkMeter } from "./downlink-meter.js";
import type { PacketQueueLimits } from "./packet-queue.js";
import { PacketQueue } from "./packet-queue.js";
import { SequenceCounter } from "./sequence.js";

export interface DownlinkSink {
  /** Takes one chunk and calls `taken` when the transport has it. An empty payload echoes a heartbeat. */
  write(payload: Uint8Array, taken: () => void): void;
}

export interface DownlinkOptions {
  readonly limits: PacketQueueLimits;
  /** What is kept while no stream is attached. */
  readonly keptMaxMs: number;
  readonly stats: AudioStats;
  readonly now: () => number;
  /** Only with metrics. */
  readonly meter?: DownlinkMeter | undefined;
  /** The queue was full and the oldest went. */
  readonly overflowed: () => void;
}

const EMPTY = new Uint8Array(0);

export class Downlink {
  readonly #options: DownlinkOptions;
  readonly #queue: PacketQueue;
  readonly #sequence = new SequenceCounter();
  #attached: { readonly sink: DownlinkSink; isBusy: boolean } | undefined;
  #echoes = 0;
  #detachedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: DownlinkOptions) {
    this.#options = options;
    this.#queue = new PacketQueue(options.limits);
  }

  get queueLength(): number {
    return this.#queue.length;
  }

  /** One packet of the microphone, as it came. */
  push(packet: Uint8Array, arrivedAtMs: number): void {
    const { stats } = this.#options;
    const payload = packet.length % 2 === 1 ? this.#withoutSequence(packet) : packet;
    if (payload.length === 0) return;
    stats.packetsIn += 1;
    stats.bytesIn += payload.length;
    const overflow = this.#queue.push({ payload, atMs: arrivedAtMs });
    this.#options.meter?.queued(this.#queue.length);
    if (!this.#attached) {
      // Without a stream what is too old, or too much, goes silently.
      for (const oldest of overflow) this.#countExpired(oldest.payload);
      this.#expire();
      return;
    }
    for (const oldest of overflow) {
      stats.packetsDropped += 1;
      stats.bytesDropped += oldest.payload.length;
    }
    if (overflow.length > 0) this.#options.overflowed();
    this.#pump();
  }

  /** Answers a heartbeat, ahead of the queue. */
  echo(): void {
    this.#echoes += 1;
    this.#pump();
  }

  attach(sink: DownlinkSink): void {
    this.#expire();
    this.#echoes = 0;
    this.#attached = { sink, isBusy: false };
    this.#pump();
  }

  detach(sink: DownlinkSink): void {
    if (this.#attached?.sink !== sink) return;
    this.#attached = undefined;
    this.#detachedAtMs = this.#options.now();
  }

  /** Counts what is left as expired, so that the sums hold. */
  close(): void {
    this.#attached = undefined;
    while (this.#queue.length > 0) this.#expireOldest();
  }

  #withoutSequence(packet: Uint8Array): Uint8Array {
    const { stats } = this.#options;
    const missing = this.#sequence.next(packet[0] ?? 0);
    if (missing < 0) stats.packetsReordered += 1;
    else stats.packetsLost += missing;
    return packet.subarray(1);
  }

  #pump(): void {
    const attached = this.#attached;
    if (!attached || attached.isBusy) return;
    const payload = this.#next();
    if (!payload) return;
    attached.isBusy = true;
    attached.sink.write(payload, () => {
      attached.isBusy = false;
      if (this.#attached === attached) this.#pump();
    });
  }

  #next(): Uint8Array | undefined {
    if (this.#echoes > 0) {
      this.#echoes -= 1;
      return EMPTY;
    }
    const packet = this.#queue.shift();
    if (!packet) return undefined;
    const { stats, meter, now } = this.#options;
    stats.packetsOut += 1;
    stats.bytesOut += packet.payload.length;
    meter?.sent(now() - packet.atMs);
    return packet.payload;
  }

  /** Only time without a stream makes old: what waits for a slow stream is the next one's when that follows at once. */
  #expire(): void {
    const { now, keptMaxMs } = this.#options;
    const oldestKeptMs = now() - keptMaxMs;
    if (oldestKeptMs < this.#detachedAtMs) return;
    for (let oldest = this.#queue.peek(); oldest && oldest.atMs < oldestKeptMs; oldest = this.#queue.peek()) {
      this.#expireOldest();
    }
  }

  #expireOldest(): void {
    const packet = this.#queue.shift();
    if (packet) this.#countExpired(packet.payload);
  }

  #countExpired(payload: Uint8Array): void {
    this.#options.stats.packetsExpired += 1;
    this.#options.stats.bytesExpired += payload.length;
  }
}
