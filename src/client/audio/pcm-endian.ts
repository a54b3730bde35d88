// Brings microphone audio into little-endian order. The wire promises that order, so by default nothing is touched; the
// setting exists for senders that break the promise.
//
// "auto" looks at quiet audio. There the high byte of a sample is nothing but its sign, 00 or FF, while the low byte can
// be anything. In the right order the high byte is the second one of each pair. Only when it is the first, in at least six
// packets more than the other way round, is the audio taken for swapped. Loud audio, noise and silence say nothing. The
// decision is made once: a stream does not change its order, and a wrong flip in mid-sentence is loud static.

import { BridgeClientError } from "../errors.js";
import { type ClientLogger, silentLogger } from "../log.js";

export type PcmEndianSetting = "off" | "swap" | "auto";

export const PCM_ENDIAN_VARIABLE = "LIVEKIT_PCM_ENDIAN";

export interface PcmEndianOptions {
  readonly setting: PcmEndianSetting;
  readonly logger?: ClientLogger;
}

const SETTINGS: readonly PcmEndianSetting[] = ["off", "swap", "auto"];
/** Packets by which one order must lead. */
const MARGIN_PACKETS = 6;
/** Shorter packets say too little: 5 ms. */
const SAMPLES_MIN = 80;
/** Of longer packets only the first 100 ms are looked at. */
const SAMPLES_MAX = 1600;
/** Root mean square of the samples, of 32,767 at most. Below it both bytes of a sample look like a sign. */
const ENERGY_MIN = 16;
/** The share of 00 and FF among the bytes that are taken for signs. */
const SIGN_SHARE_MIN = 0.5;
/** Sound swings to both sides: a byte that is only ever 00 is that of 8-bit audio made wider, and no sign. */
const EITHER_SIGN_SHARE_MIN = 0.1;
/** The share above which the other byte looks like a sign as well, and the packet says nothing. */
const OTHER_SHARE_MAX = 0.25;

/** Unset or empty is "off". */
export function readPcmEndianSetting(env: Readonly<Record<string, string | undefined>>): PcmEndianSetting {
  const value = env[PCM_ENDIAN_VARIABLE] ?? "";
  const wanted = value.trim().toLowerCase() || "off";
  const setting = SETTINGS.find((candidate) => candidate === wanted);
  if (setting !== undefined) return setting;
  const message = `${PCM_ENDIAN_VARIABLE} must be off, swap or auto, not ${JSON.stringify(value)}`;
  throw new BridgeClientError("invalid_argument", message);
}

export class PcmEndian {
  readonly #logger: ClientLogger;
  /** Undefined while "auto" has not decided; until then nothing is swapped. */
  #swaps: boolean | undefined;
  #littlePackets = 0;
  #bigPackets = 0;

  constructor(options: PcmEndianOptions) {
    this.#logger = options.logger ?? silentLogger;
    if (options.setting === "auto") return;
    this.#swaps = options.setting === "swap";
    if (this.#swaps) this.#report(options.setting);
  }

  get decision(): "keep" | "swap" | undefined {
    if (this.#swaps === undefined) return undefined;
    return this.#swaps ? "swap" : "keep";
  }

  /** Whole samples, little-endian: the packet itself if nothing is to be done, else a view or a copy. It is never written to. */
  normalise(pcm: Buffer): Buffer {
    const whole = pcm.length % 2 === 0 ? pcm : pcm.subarray(0, pcm.length - 1);
    if (this.#swaps === undefined) this.#judge(whole);
    return this.#swaps === true ? Buffer.from(whole).swap16() : whole;
  }

  #judge(pcm: Buffer): void {
    const order = orderOf(pcm);
    if (order === "little") this.#littlePackets += 1;
    if (order === "big") this.#bigPackets += 1;
    if (Math.abs(this.#bigPackets - this.#littlePackets) < MARGIN_PACKETS) return;
    this.#swaps = this.#bigPackets > this.#littlePackets;
    this.#report("auto");
  }

  #report(setting: PcmEndianSetting): void {
    const packets = { littlePackets: this.#littlePackets, bigPackets: this.#bigPackets };
    this.#logger.info({ setting, decision: this.decision, ...packets }, "PCM endianness decided");
  }
}

/** What a packet says about its own order; undefined if it says nothing. */
function orderOf(pcm: Buffer): "little" | "big" | undefined {
  const samples = Math.min(pcm.length / 2, SAMPLES_MAX);
  if (samples < SAMPLES_MIN) return undefined;
  const first = new SignCount();
  const second = new SignCount();
  let littleSquares = 0;
  let bigSquares = 0;
  for (let offset = 0; offset < samples * 2; offset += 2) {
    first.add(pcm[offset]);
    second.add(pcm[offset + 1]);
    littleSquares += pcm.readInt16LE(offset) ** 2;
    bigSquares += pcm.readInt16BE(offset) ** 2;
  }
  // The order is not known yet, so there must be energy either way.
  if (Math.sqrt(Math.min(littleSquares, bigSquares) / samples) < ENERGY_MIN) return undefined;
  if (second.isSign(samples) && first.share(samples) <= OTHER_SHARE_MAX) return "little";
  if (first.isSign(samples) && second.share(samples) <= OTHER_SHARE_MAX) return "big";
  return undefined;
}

class SignCount {
  #zeros = 0;
  #ones = 0;

  add(byte: number | undefined): void {
    if (byte === 0x00) this.#zeros += 1;
    if (byte === 0xff) this.#ones += 1;
  }

  share(samples: number): number {
    return (this.#zeros + this.#ones) / samples;
  }

  isSign(samples: number): boolean {
    if (this.share(samples) < SIGN_SHARE_MIN) return false;
    return Math.min(this.#zeros, this.#ones) / samples >= EITHER_SIGN_SHARE_MIN;
  }
}
