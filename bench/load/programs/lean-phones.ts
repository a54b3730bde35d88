// The phones without a media engine: what they cost leaves more of a small machine to the bridge. In everything else they are
// what phones.ts is.

import type { Access } from "../access.js";
import { mintToken } from "../access.js";
import { inTurn } from "../in-turn.js";
import type { LeanPhone } from "../lean-phone.js";
import { joinLeanPhone } from "../lean-phone.js";
import { writeMark } from "../mark.js";
import { monotonicMs } from "../monotonic.js";
import { pace } from "../pace.js";
import { serve } from "../serve.js";
import type { PhonesDuties, PhonesSpeak, Spoken } from "./phones.js";

const CONNECTS_AT_ONCE = 4;
/** Until the first packet is due: the request has to get here first. */
const LEAD_MS = 50;

const phones: { readonly phone: LeanPhone; packetCount: number }[] = [];
let interruptions = 0;
let speech = new AbortController();

const duties: PhonesDuties = {
  async join({ access, users }: { access: Access; users: readonly string[] }): Promise<void> {
    await inTurn(users, CONNECTS_AT_ONCE, async (user, index) => {
      const token = await mintToken(access, user, user);
      const phone = await joinLeanPhone(access.url, token, () => (interruptions += 1));
      phones[index] = { phone, packetCount: 0 };
    });
  },

  async speak(work: PhonesSpeak): Promise<Spoken> {
    const { phase, packetBytes, isReliable, first, stride, speakers } = work;
    const speaking = phones.filter((_, index) => first + index * stride < speakers);
    const packet = Buffer.alloc(packetBytes, 0x5a);
    const sent = speaking.map(() => 0);
    let refused = 0;
    speech = new AbortController();
    const send = (index: number): void => {
      const at = index % speaking.length;
      const speaker = speaking[at];
      if (!speaker) return;
      const sequence = Math.floor(index / speaking.length);
      const mark = { phase, user: first + at * stride, sequence, sentAtMs: monotonicMs() };
      writeMark(packet, mark, speaker.packetCount);
      if (!speaker.phone.send(packet, isReliable)) refused += 1;
      speaker.packetCount += 1;
      sent[at] = sequence + 1;
    };
    const everyMs = 1000 / work.packetsPerSecond;
    const lateMs = await pace({
      startMs: monotonicMs() + LEAD_MS + (everyMs / Math.max(1, speakers)) * first,
      gapMs: everyMs / Math.max(1, speaking.length),
      count: Math.round(work.seconds * work.packetsPerSecond) * speaking.length,
      send,
      signal: speech.signal,
    });
    const waiting = speaking.reduce((sum, { phone }) => sum + phone.waitingBytes, 0);
    return { sent, lateMs, refused, unsent: Math.ceil(waiting / packetBytes), interruptions };
  },

  async hush(): Promise<void> {
    speech.abort();
  },

  async leave(): Promise<void> {
    for (const { phone } of phones.splice(0)) phone.close();
  },
};

serve(duties);
