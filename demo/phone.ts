// The user's phone: it publishes its microphone as data packets, 20 ms each, and remembers when it sent which.

import { writeSequence } from "./packet-mark.js";
import type { Participant } from "./rooms.js";
import { SPEECH_RATE_HZ, synthesiseSpeech } from "./speech.js";

export const PACKET_MS = 20;
export const PACKET_BYTES = (SPEECH_RATE_HZ * 2 * PACKET_MS) / 1000;
/** Packets under way at once, far more than ever are. */
const REMEMBERED_MAX = 2000;

export interface SentPacket {
  readonly atMs: number;
  readonly payload: Buffer;
}

export class Phone {
  readonly #participant: Participant;
  readonly #speech = synthesiseSpeech();
  readonly #sent = new Map<number, SentPacket>();
  #timer: NodeJS.Timeout | undefined;
  #lastSequence = 0;
  #failure: unknown;

  constructor(participant: Participant) {
    this.#participant = participant;
  }

  get identity(): string {
    return this.#participant.identity;
  }

  get lastSequence(): number {
    return this.#lastSequence;
  }

  /** The first error of a publish, if there was one. */
  get failure(): unknown {
    return this.#failure;
  }

  sent(sequence: number): SentPacket | undefined {
    return this.#sent.get(sequence);
  }

  heard(trackName: string): readonly Int16Array[] {
    return this.#participant.heard(trackName);
  }

  /** Speaks until it leaves. The beat never drifts: what a busy machine delays is sent as soon as it can be. */
  speak(): void {
    const startMs = performance.now();
    let count = 0;
    const beat = () => {
      while (startMs + count * PACKET_MS <= performance.now()) {
        count += 1;
        this.#send();
      }
      this.#timer = setTimeout(beat, startMs + count * PACKET_MS - performance.now());
    };
    beat();
  }

  async leave(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#participant.leave();
  }

  #send(): void {
    this.#lastSequence += 1;
    const sequence = this.#lastSequence;
    const payload = Buffer.alloc(PACKET_BYTES);
    const offset = (sequence * PACKET_BYTES) / 2;
    for (let index = 0; index < PACKET_BYTES / 2; index += 1) {
      payload.writeInt16LE(this.#speech[(offset + index) % this.#speech.length] ?? 0, index * 2);
    }
    writeSequence(payload, sequence);
    this.#sent.set(sequence, { atMs: performance.now(), payload });
    this.#sent.delete(sequence - REMEMBERED_MAX);
    this.#participant.publishData(payload).catch((error: unknown) => {
      this.#failure ??= error;
    });
  }
}
