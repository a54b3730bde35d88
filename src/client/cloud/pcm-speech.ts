// Speech that the cloud has as PCM, on its way into the room at the speed at which it is heard: what is sent far ahead
// cannot be taken back when somebody says stop.

import type { Clock } from "../clock.js";
import { BridgeClientError } from "../errors.js";
import { pause, within } from "../pause.js";
import type { ManagedCore } from "./managed-client.js";

/** PCM16 little-endian mono at 16 kHz, whole or in pieces of whatever size. */
export type PcmSource = Uint8Array | AsyncIterable<Uint8Array>;

export interface SpeakOptions {
  readonly trackId: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Resolves to the length in milliseconds when all has been heard; rejects when the stream is lost or the source fails. */
export async function speak(
  core: Pick<ManagedCore, "send" | "ready">,
  source: PcmSource,
  options: SpeakOptions,
): Promise<number> {
  const { trackId, clock, signal } = options;
  let sentMs = 0;
  let heardAtMs = clock.now();
  for await (const piece of piecesOf(source, options)) {
    while (!core.send(piece, { trackId })) {
      await within(core.ready({ signal }), { clock, limitMs: ROOM_WAIT_MAX_MS, signal, what: "room for speech" });
      await pause(clock, RETRY_MS, signal);
    }
    const pieceMs = piece.length / BYTES_PER_MS;
    sentMs += pieceMs;
    heardAtMs = Math.max(heardAtMs, clock.now()) + pieceMs;
    await pause(clock, heardAtMs - AHEAD_MAX_MS - clock.now(), signal);
  }
  if (sentMs === 0) throw new BridgeClientError("invalid_argument", "the PCM is empty");
  await pause(clock, heardAtMs - clock.now(), signal);
  signal.throwIfAborted();
  return sentMs;
}

const BYTES_PER_MS = 32;
const PIECE_MAX_BYTES = 3200;
/** Sent before it is heard, against the jitter of timers and network. */
const AHEAD_MAX_MS = 200;
/** The client queues 10 s at most, so that room comes sooner. */
const ROOM_WAIT_MAX_MS = 15_000;
const RETRY_MS = 20;
/** A speech service that says nothing for so long has failed. */
const SOURCE_STALL_MAX_MS = 30_000;

/** Whole samples, 100 ms at most. */
async function* piecesOf(
  source: PcmSource,
  { clock, signal }: SpeakOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = source instanceof Uint8Array ? once(source) : source[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);
  try {
    for (;;) {
      const limits = { clock, limitMs: SOURCE_STALL_MAX_MS, signal, what: "the source of the PCM" };
      const next = await within(chunks.next(), limits);
      if (next.done === true) return;
      const bytes = rest.length > 0 ? Buffer.concat([rest, next.value]) : next.value;
      const wholeBytes = bytes.length - (bytes.length % 2);
      for (let at = 0; at < wholeBytes; at += PIECE_MAX_BYTES) {
        yield bytes.subarray(at, Math.min(at + PIECE_MAX_BYTES, wholeBytes));
      }
      rest = bytes.subarray(wholeBytes);
    }
  } finally {
    // Not waited for: a source that hangs would hold up the stop.
    void chunks.return?.()?.catch(() => undefined);
  }
}

async function* once(pcm: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield pcm;
}
