// What the cloud received on one stream, held against what the phone has sent.

import { readSequence } from "./packet-mark.js";
import type { Phone } from "./phone.js";

/** Two seconds' worth. */
const LEVELS_MAX = 100;

export class Reception {
  readonly #phone: Phone;
  readonly #latenciesMs: number[] = [];
  /** Loudness of the newest packets, oldest first. */
  readonly #levels: { readonly atMs: number; readonly level: number }[] = [];
  #firstSequence = 0;
  #lastSequence = 0;
  packets = 0;
  bytes = 0;
  /** Packets whose bytes are not those that were sent, or that came out of order. */
  wrong = 0;
  /** When the newest packet came; undefined before the first. */
  lastAtMs: number | undefined;
  firstAtMs: number | undefined;

  constructor(phone: Phone) {
    this.#phone = phone;
  }

  get lastSequence(): number {
    return this.#lastSequence;
  }

  /** Sent between the first and the newest that came, and not received as it was sent. */
  get lost(): number {
    return this.packets === 0 ? 0 : this.#lastSequence - this.#firstSequence + 1 - (this.packets - this.wrong);
  }

  accept(pcm: Buffer): void {
    const nowMs = performance.now();
    this.packets += 1;
    this.bytes += pcm.length;
    this.firstAtMs ??= nowMs;
    this.lastAtMs = nowMs;
    this.#levels.push({ atMs: nowMs, level: levelOf(pcm) });
    if (this.#levels.length > LEVELS_MAX) this.#levels.shift();
    const sequence = readSequence(pcm);
    const sent = sequence === undefined ? undefined : this.#phone.sent(sequence);
    if (sequence === undefined || !sent?.payload.equals(pcm) || sequence <= this.#lastSequence) {
      this.wrong += 1;
      return;
    }
    if (this.#firstSequence === 0) this.#firstSequence = sequence;
    this.#lastSequence = sequence;
    this.#latenciesMs.push(nowMs - sent.atMs);
  }

  /** Of the loudest packet in the last `windowMs`: root mean square, 0 to 1 of full scale. */
  loudest(windowMs: number): number {
    const sinceMs = performance.now() - windowMs;
    return this.#levels.reduce((loudest, { atMs, level }) => (atMs < sinceMs ? loudest : Math.max(loudest, level)), 0);
  }

  /** Milliseconds from the phone's send to the cloud's receipt that this share of all packets kept to. */
  latencyMs(share: number): number {
    const sorted = this.#latenciesMs.toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  }
}

function levelOf(pcm: Buffer): number {
  let sum = 0;
  for (let offset = 0; offset + 1 < pcm.length; offset += 2) sum += pcm.readInt16LE(offset) ** 2;
  return Math.sqrt(sum / Math.max(1, pcm.length / 2)) / 32_768;
}
