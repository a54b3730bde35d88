// The control of what is heard: somebody in the room who publishes the same tones without a bridge.

import type { PublishedTrack, Room, RoomListener } from "../../../src/livekit/room.js";
import { createRtcNodeEngine } from "../../../src/livekit/rtc-node/engine.js";
import { systemClock } from "../../../src/time.js";
import type { Access } from "../access.js";
import { mintToken } from "../access.js";
import { monotonicMs } from "../monotonic.js";
import { serve } from "../serve.js";
import { BURST_MS, DIRECT_TRACK, fillWithTone } from "../sounds.js";

const RATE_HZ = 48_000;
const FRAME_MS = 10;
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const ignore = () => undefined;
const listener: RoomListener = {
  packet: ignore,
  participantJoined: ignore,
  participantLeft: ignore,
  reconnecting: ignore,
  reconnected: ignore,
  ended: ignore,
};

let room: Room | undefined;
let track: PublishedTrack | undefined;
let turn: { readonly everyMs: number; frame: number } | undefined;
let sentAtMs: number[] = [];

function read(frame: Int16Array): number {
  if (!turn) return 0;
  const inTurnMs = (turn.frame * FRAME_MS) % turn.everyMs;
  if (inTurnMs === 0) sentAtMs.push(monotonicMs());
  if (inTurnMs < BURST_MS) fillWithTone(RATE_HZ, frame);
  else frame.fill(0);
  turn.frame += 1;
  return frame.length;
}

const duties = {
  async join({ access, place }: { access: Access; place: { room: string; identity: string } }): Promise<void> {
    const engine = createRtcNodeEngine({ clock: systemClock, logger: silent });
    const token = await mintToken(access, place.identity, place.room);
    room = await engine.connect({ url: access.url, token, signal: new AbortController().signal }, listener);
    track = await room.publishTrack(DIRECT_TRACK, { sampleRateHz: RATE_HZ, channels: 1 }, { read });
  },

  /** Returns when each tone was sent. */
  async speak({ seconds, everyMs }: { seconds: number; everyMs: number }): Promise<number[]> {
    sentAtMs = [];
    turn = { everyMs, frame: 0 };
    track?.wake();
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    turn = undefined;
    return sentAtMs;
  },

  async leave(): Promise<void> {
    await track?.close();
    await room?.close();
  },
};

export type DirectDuties = typeof duties;
serve(duties);
