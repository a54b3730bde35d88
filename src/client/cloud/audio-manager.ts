// A user's microphone audio on its way through the cloud: put into the right byte order, passed on to apps as it comes,
// and to the recogniser in even chunks of 100 ms.

import { callConsumer } from "../audio/consumer-call.js";
import { PcmEndian, type PcmEndianSetting, readPcmEndianSetting } from "../audio/pcm-endian.js";
import { PcmPacer, type PcmPacerOptions, type PcmPacerStats } from "../audio/pcm-pacer.js";
import { type Clock, systemClock } from "../clock.js";
import { BridgeClientError } from "../errors.js";
import { type ClientLogger, silentLogger, withFields } from "../log.js";

export interface AudioManagerOptions {
  readonly userId: string;
  readonly logger?: ClientLogger;
  /** Takes 3,200 bytes each 100 ms: PCM16 little-endian mono at 16 kHz. What it throws or rejects with is logged. */
  readonly transcribe: (pcm: Buffer) => unknown;
  /** The limits of the recogniser's queue; see `PcmPacerOptions`. */
  readonly pacing?: Pick<PcmPacerOptions, "underrun" | "queueMaxMs" | "idleAfterMs">;
  /** `LIVEKIT_PCM_ENDIAN` of `env` by default, and "off" without it. */
  readonly pcmEndian?: PcmEndianSetting;
  /** The process's own by default. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly clock?: Clock;
}

/** An app that wants audio as it comes. */
export interface AudioSubscriber {
  /** For logs, such as the app's package name. */
  readonly name: string;
  /** Whole samples. All subscribers are given the same memory: it is for reading only. What is thrown is logged. */
  send(pcm: Buffer): unknown;
  /** Bytes that wait in the app's socket. Above 512 KiB the app's packets are dropped and counted. */
  bufferedAmount?(): number;
}

export interface AudioManagerStats {
  /** Packets that held any byte. */
  readonly frames: number;
  readonly bytes: number;
  /** Half samples at the end of packets; they were passed on to nobody. */
  readonly oddBytesDropped: number;
  readonly subscribers: number;
  /** Of all subscribers together, those that have gone included. */
  readonly framesRelayed: number;
  readonly framesDroppedForApps: number;
  readonly pacing: PcmPacerStats;
}

const APP_BUFFER_MAX_BYTES = 512 * 1024;
const LOG_EVERY_FRAMES = 100;
const LOG_EVERY_DROPS = 50;

interface Subscription {
  framesDropped: number;
  failures: number;
}

export class AudioManager {
  readonly #logger: ClientLogger;
  readonly #clock: Clock;
  readonly #endian: PcmEndian;
  readonly #pacer: PcmPacer;
  readonly #subscriptions = new Map<AudioSubscriber, Subscription>();
  #isDisposed = false;
  #lastAudio: { readonly unixMs: number; readonly atMs: number } | undefined;
  #frames = 0;
  #bytes = 0;
  #oddBytesDropped = 0;
  #framesRelayed = 0;
  #framesDroppedForApps = 0;

  constructor(options: AudioManagerOptions) {
    const { transcribe, pacing, logger = silentLogger, clock = systemClock, env = process.env } = options;
    const own = { feature: "livekit-grpc", userId: options.userId };
    this.#logger = logger.child?.(own) ?? withFields(logger, own);
    this.#clock = clock;
    const setting = options.pcmEndian ?? readPcmEndianSetting(env);
    this.#endian = new PcmEndian({ setting, logger: this.#logger });
    this.#pacer = new PcmPacer({ ...pacing, onChunk: transcribe, clock, logger: this.#logger });
  }

  /** When audio last came, in Unix milliseconds. Empty packets are no audio. */
  get lastAudioAtMs(): number | undefined {
    return this.#lastAudio?.unixMs;
  }

  /** How long no audio has come, in milliseconds that no change of the wall clock disturbs. */
  get audioAgeMs(): number | undefined {
    return this.#lastAudio && this.#clock.now() - this.#lastAudio.atMs;
  }

  /** Takes one packet of PCM16 mono at 16 kHz. */
  processAudioData(pcm: Uint8Array | Int16Array | ArrayBuffer): void {
    const packet = bufferOf(pcm);
    if (this.#isDisposed || packet.length === 0) return;
    const msSinceLast = Math.round(this.audioAgeMs ?? 0);
    this.#lastAudio = { unixMs: this.#clock.wallNow(), atMs: this.#clock.now() };
    this.#frames += 1;
    this.#bytes += packet.length;
    this.#oddBytesDropped += packet.length % 2;
    if (this.#frames % LOG_EVERY_FRAMES === 0) {
      const fields = { size: packet.length, frames: this.#frames, bytes: this.#bytes, msSinceLast };
      this.#logger.debug(fields, "AudioManager received PCM chunk");
    }
    const samples = this.#endian.normalise(packet);
    if (samples.length === 0) return;
    // First the pacer, which copies: whatever an app does to its memory, the recogniser hears what was said.
    this.#pacer.push(samples);
    this.#relay(samples);
  }

  /** Adds an app, once however often it is added. Returns the function that takes it off. */
  subscribe(app: AudioSubscriber): () => void {
    if (!this.#isDisposed && !this.#subscriptions.has(app)) {
      this.#subscriptions.set(app, { framesDropped: 0, failures: 0 });
    }
    return () => void this.#subscriptions.delete(app);
  }

  /** Sends the recogniser what is left at once, as when the microphone is switched off. */
  flush(): void {
    this.#pacer.flush();
  }

  /** For good, idempotent. What still waits for its beat is dropped; `flush` before it keeps the last words. */
  dispose(): void {
    this.#isDisposed = true;
    this.#subscriptions.clear();
    this.#pacer.dispose();
  }

  stats(): AudioManagerStats {
    return {
      frames: this.#frames,
      bytes: this.#bytes,
      oddBytesDropped: this.#oddBytesDropped,
      subscribers: this.#subscriptions.size,
      framesRelayed: this.#framesRelayed,
      framesDroppedForApps: this.#framesDroppedForApps,
      pacing: this.#pacer.stats(),
    };
  }

  #relay(samples: Buffer): void {
    // A copy: an app that subscribes or leaves while it is called changes what comes next, not this packet's round.
    for (const [app, subscription] of Array.from(this.#subscriptions)) {
      if (!this.#subscriptions.has(app)) continue;
      callConsumer(
        () => this.#send(app, subscription, samples),
        (error) => this.#reportFailure(app, subscription, error),
      );
    }
  }

  #send(app: AudioSubscriber, subscription: Subscription, samples: Buffer): unknown {
    const bufferedBytes = app.bufferedAmount?.() ?? 0;
    if (bufferedBytes > APP_BUFFER_MAX_BYTES) {
      this.#countDrop(app, subscription, bufferedBytes);
      return undefined;
    }
    this.#framesRelayed += 1;
    return app.send(samples);
  }

  #countDrop(app: AudioSubscriber, subscription: Subscription, bufferedBytes: number): void {
    this.#framesDroppedForApps += 1;
    subscription.framesDropped += 1;
    const { framesDropped } = subscription;
    if (!isLogged(framesDropped)) return;
    this.#logger.warn({ app: app.name, framesDropped, bufferedBytes }, "Dropping audio for a slow app");
  }

  #reportFailure(app: AudioSubscriber, subscription: Subscription, error: unknown): void {
    subscription.failures += 1;
    const { failures } = subscription;
    if (!isLogged(failures)) return;
    this.#logger.error({ app: app.name, failures, err: error }, "An app failed to take audio");
  }
}

function isLogged(count: number): boolean {
  return count === 1 || count % LOG_EVERY_DROPS === 0;
}

/** The bytes as they are. Other arrays are refused: floats read as 16-bit integers would be noise. */
function bufferOf(pcm: unknown): Buffer {
  if (Buffer.isBuffer(pcm)) return pcm;
  if (pcm instanceof Uint8Array || pcm instanceof Int16Array) {
    return Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength);
  }
  if (pcm instanceof ArrayBuffer) return Buffer.from(pcm);
  const what = Object.prototype.toString.call(pcm).slice(8, -1);
  throw new BridgeClientError(
    "invalid_argument",
    `audio must be PCM16 in a Buffer, Uint8Array, Int16Array or ArrayBuffer, not ${what}`,
  );
}
