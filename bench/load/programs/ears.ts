// The ears of phones: in the rooms of some users, hearing every track by rtc-node's own classes, and noting when tones begin.

import type { AudioFrame, RemoteTrack, RemoteTrackPublication } from "@livekit/rtc-node";
import { keepHandles } from "../../../test/support/kept-handles.js";
import type { Access } from "../access.js";
import { mintToken } from "../access.js";
import { inTurn } from "../in-turn.js";
import { monotonicMs } from "../monotonic.js";
import { serve } from "../serve.js";
import { OnsetWatch } from "../sounds.js";

export interface Heard {
  readonly user: number;
  readonly track: string;
  readonly onsetsMs: readonly number[];
  readonly heardMs: number;
}

interface Ear extends Pick<Heard, "user" | "track"> {
  watch: OnsetWatch;
}

const CONNECTS_AT_ONCE = 2;
const FRAME_MS = 10;
const RATE_HZ = 48_000;

keepHandles();
const rtc = await import("@livekit/rtc-node");
const ears: Ear[] = [];
const exits: (() => Promise<void>)[] = [];

async function listenTo(user: number, name: string, track: RemoteTrack): Promise<void> {
  const ear: Ear = { user, track: name, watch: new OnsetWatch() };
  ears.push(ear);
  const reader = new rtc.AudioStream(track, { sampleRate: RATE_HZ, numChannels: 1, frameSizeMs: FRAME_MS }).getReader();
  for (;;) {
    const { done, value }: { done: boolean; value?: AudioFrame | undefined } = await reader.read();
    if (done || !value) return;
    ear.watch.frame(value.data, FRAME_MS, monotonicMs());
  }
}

const duties = {
  async join(input: { access: Access; users: readonly { user: number; room: string }[] }): Promise<void> {
    await inTurn(input.users, CONNECTS_AT_ONCE, async ({ user, room: name }) => {
      const room = new rtc.Room();
      room.on("trackSubscribed", (track: RemoteTrack, publication: RemoteTrackPublication) => {
        if (track.kind !== rtc.TrackKind.KIND_AUDIO) return;
        void listenTo(user, publication.name ?? "", track).catch(() => undefined);
      });
      const token = await mintToken(input.access, `ear:${name}`, name);
      await room.connect(input.access.url, token, { autoSubscribe: true, dynacast: false });
      exits.push(() => room.disconnect());
    });
  },

  /** Forgets what was heard so far. */
  async listen(): Promise<void> {
    for (const ear of ears) ear.watch = new OnsetWatch();
  },

  async heard(): Promise<Heard[]> {
    return ears.map(({ user, track, watch: { onsetsMs, heardMs } }) => ({ user, track, onsetsMs, heardMs }));
  },

  async leave(): Promise<void> {
    await Promise.all(exits.splice(0).map((leave) => leave()));
  },
};

export type EarsDuties = typeof duties;
serve(duties);
