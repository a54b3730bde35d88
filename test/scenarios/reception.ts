// What a cloud has heard of one user's microphone, and when it did not: the count, what was lost, and every silence.

import { readPacketMark } from "./numbered-packet.js";

export interface Silence {
  /** Unix times in milliseconds; both ends are packets that arrived. */
  readonly fromMs: number;
  readonly toMs: number;
  /** When the packet that ended it was sent: before `toMs` by what the way took, or by what was kept on it. */
  readonly sentAtMs: number;
  /** Numbers between the last packet before and the first after: audio that nobody heard. */
  readonly lostPackets: number;
}

export interface ReceptionReport {
  readonly received: number;
  readonly firstNumber: number | undefined;
  readonly lastNumber: number | undefined;
  /** Unix times in milliseconds. */
  readonly firstAtMs: number | undefined;
  readonly lastAtMs: number | undefined;
  /** Packets whose number was not above the one before. */
  readonly outOfOrder: number;
  readonly lost: number;
  /** Packets that are none of the phone's. */
  readonly foreign: number;
  /** The newest, oldest first. */
  readonly silences: readonly Silence[];
}

/** Nothing for so long is a silence. A packet comes each 50 ms; the machine may be busy. */
const SILENCE_MS = 400;
const SILENCES_KEPT_MAX = 20;

export class Reception {
  #received = 0;
  #firstNumber: number | undefined;
  #lastNumber: number | undefined;
  #firstAtMs: number | undefined;
  #lastAtMs: number | undefined;
  #outOfOrder = 0;
  #lost = 0;
  #foreign = 0;
  readonly #silences: Silence[] = [];
  readonly #heard: (silence: Silence | undefined) => void;

  /** `heard` is called with the first packet of all, and with the first after each silence. */
  constructor(heard: (silence: Silence | undefined) => void) {
    this.#heard = heard;
  }

  add(pcm: Uint8Array, nowMs = Date.now()): void {
    const mark = readPacketMark(pcm);
    if (!mark) {
      this.#foreign += 1;
      return;
    }
    this.#received += 1;
    this.#firstNumber ??= mark.number;
    this.#firstAtMs ??= nowMs;
    const lost = this.#lastNumber === undefined ? 0 : mark.number - this.#lastNumber - 1;
    if (lost < 0) this.#outOfOrder += 1;
    else this.#lost += lost;
    this.#noticeSilence(mark.sentAtMs, Math.max(lost, 0), nowMs);
    this.#lastNumber = mark.number;
    this.#lastAtMs = nowMs;
  }

  report(): ReceptionReport {
    return {
      received: this.#received,
      firstNumber: this.#firstNumber,
      lastNumber: this.#lastNumber,
      firstAtMs: this.#firstAtMs,
      lastAtMs: this.#lastAtMs,
      outOfOrder: this.#outOfOrder,
      lost: this.#lost,
      foreign: this.#foreign,
      silences: this.#silences,
    };
  }

  #noticeSilence(sentAtMs: number, lostPackets: number, nowMs: number): void {
    if (this.#lastAtMs === undefined) return this.#heard(undefined);
    if (nowMs - this.#lastAtMs < SILENCE_MS) return;
    const silence = { fromMs: this.#lastAtMs, toMs: nowMs, sentAtMs, lostPackets };
    this.#silences.push(silence);
    if (this.#silences.length > SILENCES_KEPT_MAX) this.#silences.shift();
    this.#heard(silence);
  }
}
