// The phones without a media engine: what they cost leaves more of a small machine to the bridge. In everything else they are
// what phones.ts is.

import type { Access } from "../access.js";
import { mintToken } from "../access.js";
import { inTurn } from "../in-turn.js";
import type { LeanPhone } from "../lean-phone.js";
import { joinLeanPhone } from "../lean-phone.js";
import { serve } from "../serve.js";
import { speakAtPace, speakersOf } from "../speech.js";
import type { PhonesDuties, PhonesSpeak, Spoken } from "./phones.js";

const CONNECTS_AT_ONCE = 4;

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
    const { packetBytes, isReliable } = work;
    const speaking = speakersOf(phones, work);
    const packet = Buffer.alloc(packetBytes, 0x5a);
    let refused = 0;
    speech = new AbortController();
    const { sent, lateMs } = await speakAtPace(work, speaking, speech.signal, {
      packetOf: () => packet,
      send(at) {
        if (speaking[at]?.phone.send(packet, isReliable) !== true) refused += 1;
      },
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
