// What phones of either kind do when they speak: each packet at its fixed moment, marked, and counted by phone.

import { writeMark } from "./mark.js";
import { monotonicMs } from "./monotonic.js";
import { pace } from "./pace.js";
import type { PhonesSpeak } from "./programs/phones.js";

export interface Speaker {
  /** Packets in all phases. */
  packetCount: number;
}

/** Until the first packet is due: the request has to get here first. */
const LEAD_MS = 50;

/** Those of this process who speak. */
export function speakersOf<Phone>(phones: readonly Phone[], { first, stride, speakers }: PhonesSpeak): Phone[] {
  return phones.filter((_, index) => first + index * stride < speakers);
}

/** `packetOf` gives the memory that the phone's next packet is written to, `send` sends it. */
export async function speakAtPace(
  work: PhonesSpeak,
  speaking: readonly Speaker[],
  signal: AbortSignal,
  { packetOf, send }: { packetOf: (at: number) => Buffer | undefined; send: (at: number) => void },
): Promise<{ readonly sent: readonly number[]; readonly lateMs: Float64Array }> {
  const { phase, first, stride, speakers } = work;
  const sent = speaking.map(() => 0);
  const speak = (index: number): void => {
    const at = index % speaking.length;
    const [speaker, packet] = [speaking[at], packetOf(at)];
    if (!speaker || !packet) return;
    const sequence = Math.floor(index / speaking.length);
    const mark = { phase, user: first + at * stride, sequence, sentAtMs: monotonicMs() };
    writeMark(packet, mark, speaker.packetCount);
    send(at);
    speaker.packetCount += 1;
    sent[at] = sequence + 1;
  };
  const everyMs = 1000 / work.packetsPerSecond;
  const lateMs = await pace({
    // Processes of phones are spread over the interval as the phones of each are.
    startMs: monotonicMs() + LEAD_MS + (everyMs / Math.max(1, speakers)) * first,
    gapMs: everyMs / Math.max(1, speaking.length),
    count: Math.round(work.seconds * work.packetsPerSecond) * speaking.length,
    send: speak,
    signal,
  });
  return { sent, lateMs };
}
