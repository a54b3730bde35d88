// Microphone audio comes as the network brings it; a speech recogniser wants it as a clock would. Packets of any size go
// into a queue of bytes, and on every beat of a fixed grid one chunk of 100 ms leaves it. The grid begins with the first
// packet and is counted, never summed up, so however late single timers are it does not drift. When packets stop coming,
// the rest is sent short and the timer ends, so a muted user costs nothing; the next packet begins a new grid.
//
// A beat that comes on time and finds too little was let down by the network: the audio waits for the next beat, and from
// then on that wait is the buffer that absorbs such gaps. A beat that comes late was held up by this process, and its
// audio probably waits in the socket: the beat is owed, and sent as soon as that audio arrives. Were it skipped, every
// stall would delay all that follows by its own length.

import { type Clock, systemClock } from "../clock.js";
import { BridgeClientError } from "../errors.js";
import { type ClientLogger, silentLogger } from "../log.js";
import { ByteRing } from "./byte-ring.js";
import { callConsumer } from "./consumer-call.js";

export interface PcmPacerOptions {
  /** Takes every chunk, in memory of its own. What it throws or rejects with is logged. */
  readonly onChunk: (pcm: Buffer) => unknown;
  readonly clock?: Clock;
  readonly logger?: ClientLogger;
  /** A beat with less than a chunk in the queue waits for the next ("skip", the default) or is filled up with zeros ("silence"). */
  readonly underrun?: "skip" | "silence";
  /** Audio that may wait, in milliseconds, 100 to 60,000; 1,000 by default. Beyond it the oldest is dropped. */
  readonly queueMaxMs?: number;
  /** After so many milliseconds without a packet, 100 to 60,000, the rest is sent and the timer ends; 1,000 by default. */
  readonly idleAfterMs?: number;
}

/** At all times `bytesIn = bytesOut + bytesDropped + bytesQueued`. */
export interface PcmPacerStats {
  readonly packetsIn: number;
  readonly bytesIn: number;
  readonly chunksOut: number;
  /** Audio that was sent, without `silenceBytes`. */
  readonly bytesOut: number;
  /** All that was lost: pushed out of a full queue, odd, or still queued at `dispose`. */
  readonly bytesDropped: number;
  /** The part of `bytesDropped` that was half a sample at the end of a packet. */
  readonly oddBytesDropped: number;
  readonly bytesQueued: number;
  /** Zeros that were sent where audio was missing; only with `underrun: "silence"`. */
  readonly silenceBytes: number;
  /** Beats without a chunk of audio in the midst of audio. Those between the last packet and the end of the timer do not count. */
  readonly underruns: number;
}

export const CHUNK_MS = 100;
/** 100 ms of PCM16 mono at 16 kHz. */
export const CHUNK_BYTES = 3200;

const BYTES_PER_MS = CHUNK_BYTES / CHUNK_MS;
/** As long as the queue: a gap that long cannot be bridged any more, and all whole chunks have left by then. */
const IDLE_AFTER_MS = 1000;
const QUEUE_MAX_MS = 1000;
const LIMIT_MAX_MS = 60_000;
/** A beat later than this was held up by the event loop; healthy timers are a millisecond or two late. */
const LATE_MS = 10;
/** Of what repeats, the first is logged and then every fiftieth. */
const LOG_EVERY = 50;

interface Run {
  readonly startAtMs: number;
  /** Beats of the grid that have been looked at. */
  beats: number;
  /** Beats for which a chunk may still be sent. */
  owedBeats: number;
  /** Beats without a chunk since the last packet; underruns, if another packet comes. */
  missedBeats: number;
  /** Timer calls since the last packet. Not a time: during a stall packets come that nobody has seen yet. */
  quietBeats: number;
  timer: unknown;
}

export class PcmPacer {
  readonly #onChunk: (pcm: Buffer) => unknown;
  readonly #clock: Clock;
  readonly #logger: ClientLogger;
  readonly #fillsWithSilence: boolean;
  readonly #queueMaxMs: number;
  readonly #idleBeats: number;
  readonly #queue: ByteRing;
  /** Absent while there is nothing to send. */
  #run: Run | undefined;
  #isDisposed = false;
  #packetsIn = 0;
  #bytesIn = 0;
  #chunksOut = 0;
  #bytesOut = 0;
  #bytesDropped = 0;
  #oddBytesDropped = 0;
  #silenceBytes = 0;
  #underruns = 0;
  #overflows = 0;
  #failures = 0;

  constructor(options: PcmPacerOptions) {
    this.#onChunk = options.onChunk;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
    this.#fillsWithSilence = isSilence(options.underrun ?? "skip");
    this.#queueMaxMs = checkedLimitMs("queueMaxMs", options.queueMaxMs ?? QUEUE_MAX_MS);
    this.#idleBeats = Math.ceil(checkedLimitMs("idleAfterMs", options.idleAfterMs ?? IDLE_AFTER_MS) / CHUNK_MS);
    this.#queue = new ByteRing(this.#queueMaxMs * BYTES_PER_MS);
  }

  /** Takes one packet of PCM16 mono at 16 kHz; the bytes are copied. Packets are whole samples, so half a sample at the end is dropped and never put before the next packet. */
  push(pcm: Uint8Array): void {
    const oddBytes = pcm.length % 2;
    const bytes = pcm.length - oddBytes;
    this.#bytesIn += pcm.length;
    this.#oddBytesDropped += oddBytes;
    this.#bytesDropped += oddBytes;
    if (this.#isDisposed) this.#bytesDropped += bytes;
    if (this.#isDisposed || bytes === 0) return;
    this.#packetsIn += 1;
    const run = (this.#run ??= this.#start());
    run.quietBeats = 0;
    this.#underruns += run.missedBeats;
    run.missedBeats = 0;
    this.#countOverflow(this.#queue.write(pcm.subarray(0, bytes)));
    this.#sendOwed(run);
  }

  /** Sends all that is queued at once, the last chunk short, and ends the timer until the next packet. */
  flush(): void {
    this.#stop();
    // Counted beforehand: a consumer that pushes meanwhile must not keep us here for ever.
    let left = this.#queue.length;
    while (left > 0 && this.#queue.length > 0) {
      const size = Math.min(CHUNK_BYTES, left, this.#queue.length);
      left -= size;
      this.#send(size);
    }
    if (this.#run === undefined) this.#queue.clear();
  }

  /** Drops what is queued and ends the timer, for good. Call `flush` before it to keep the last words. */
  dispose(): void {
    this.#isDisposed = true;
    this.#stop();
    this.#bytesDropped += this.#queue.clear();
  }

  stats(): PcmPacerStats {
    return {
      packetsIn: this.#packetsIn,
      bytesIn: this.#bytesIn,
      chunksOut: this.#chunksOut,
      bytesOut: this.#bytesOut,
      bytesDropped: this.#bytesDropped,
      oddBytesDropped: this.#oddBytesDropped,
      bytesQueued: this.#queue.length,
      silenceBytes: this.#silenceBytes,
      underruns: this.#underruns,
    };
  }

  #start(): Run {
    const startAtMs = this.#clock.now();
    const run: Run = { startAtMs, beats: 0, owedBeats: 0, missedBeats: 0, quietBeats: 0, timer: undefined };
    this.#schedule(run);
    return run;
  }

  #stop(): void {
    if (this.#run !== undefined) this.#clock.clearTimeout(this.#run.timer);
    this.#run = undefined;
  }

  #schedule(run: Run): void {
    // Rounded up, because timers cut fractions off and would call a little before the beat.
    const delayMs = Math.max(0, Math.ceil(beatAtMs(run, run.beats + 1) - this.#clock.now()));
    run.timer = this.#clock.setTimeout(() => this.#beat(run), delayMs);
  }

  #beat(run: Run): void {
    const now = this.#clock.now();
    const beats = beatsUntil(run, now);
    if (beats > run.beats) {
      // In the tail's own beat: the one before took the last whole chunk.
      if (run.quietBeats >= this.#idleBeats && this.#queue.length < CHUNK_BYTES) return this.flush();
      run.quietBeats += 1;
      const lateMs = now - beatAtMs(run, run.beats + 1);
      const newBeats = beats - run.beats;
      run.beats = beats;
      run.owedBeats += newBeats;
      this.#sendOwed(run);
      this.#forgiveOwed(run, lateMs > LATE_MS ? newBeats : 0);
    }
    if (this.#run === run) this.#schedule(run);
  }

  /** The consumer may push, flush or dispose while it is called: all is counted before the call, and a run that has ended sends no more. */
  #sendOwed(run: Run): void {
    while (run.owedBeats > 0 && this.#run === run && this.#queue.length >= CHUNK_BYTES) {
      run.owedBeats -= 1;
      this.#send(CHUNK_BYTES);
    }
  }

  /** Leaves at most `keptBeats` owed. What was owed before the newest beats has had its time: waiting packets are read within it. */
  #forgiveOwed(run: Run, keptBeats: number): void {
    const forgiven = Math.max(0, run.owedBeats - keptBeats);
    run.owedBeats -= forgiven;
    run.missedBeats += forgiven;
    // No more silence at once than audio could have been waiting, however long the stall was.
    let silences = this.#fillsWithSilence ? Math.min(forgiven, Math.ceil(this.#queueMaxMs / CHUNK_MS)) : 0;
    for (; silences > 0 && this.#run === run; silences -= 1) this.#send(CHUNK_BYTES);
  }

  #send(size: number): void {
    // Memory of its own: a consumer may look at `chunk.buffer`, or keep the chunk.
    const chunk = Buffer.allocUnsafeSlow(size);
    const audioBytes = this.#queue.read(chunk);
    chunk.fill(0, audioBytes);
    this.#chunksOut += 1;
    this.#bytesOut += audioBytes;
    this.#silenceBytes += size - audioBytes;
    callConsumer(
      () => this.#onChunk(chunk),
      (error) => this.#reportFailure(error),
    );
  }

  #countOverflow(bytes: number): void {
    if (bytes === 0) return;
    this.#bytesDropped += bytes;
    this.#overflows += 1;
    if (!isLogged(this.#overflows)) return;
    const fields = { bytesDropped: this.#bytesDropped, queueMaxMs: this.#queueMaxMs };
    this.#logger.warn(fields, "Audio for the recogniser comes faster than real time, the oldest is dropped");
  }

  #reportFailure(error: unknown): void {
    this.#failures += 1;
    if (!isLogged(this.#failures)) return;
    this.#logger.error({ err: error, failures: this.#failures }, "The consumer of paced audio failed");
  }
}

function beatAtMs(run: Run, beat: number): number {
  return run.startAtMs + beat * CHUNK_MS;
}

/** Compared by the very sum that a beat is scheduled by, since a quotient may round to the other side. */
function beatsUntil(run: Run, now: number): number {
  const beats = Math.floor((now - run.startAtMs) / CHUNK_MS);
  return beatAtMs(run, beats + 1) <= now ? beats + 1 : beats;
}

function isLogged(count: number): boolean {
  return count === 1 || count % LOG_EVERY === 0;
}

function isSilence(underrun: string): boolean {
  if (underrun === "skip" || underrun === "silence") return underrun === "silence";
  throw new BridgeClientError(
    "invalid_argument",
    `underrun must be "skip" or "silence", not ${JSON.stringify(underrun)}`,
  );
}

function checkedLimitMs(name: string, value: number): number {
  if (Number.isInteger(value) && value >= CHUNK_MS && value <= LIMIT_MAX_MS) return value;
  const range = `a whole number of milliseconds from ${CHUNK_MS} to ${LIMIT_MAX_MS}`;
  throw new BridgeClientError("invalid_argument", `${name} must be ${range}, not ${value}`);
}
