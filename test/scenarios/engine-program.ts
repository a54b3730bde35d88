// The engine on libdatachannel on a machine of its own: joins rooms, says what it has heard there, and plays a tone. It is a
// process because the ways of a network namespace are those of all its sockets.

import { createDatachannelEngine } from "../../src/livekit/datachannel/engine.js";
import { RoomConnectError, type Room } from "../../src/livekit/room.js";
import { systemClock } from "../../src/time.js";
import { createToneSource } from "../conformance/room/tone.js";
import { QUIET } from "../support/quiet.js";
import { obey, programInput, report } from "./told.js";

export interface EngineProgramInput {
  readonly peerTimeoutMs?: number;
}

/** What a join came to; `code` and `text` when it failed. */
export interface JoinOutcome {
  readonly durationMs: number;
  readonly code?: string;
  readonly text?: string;
}

const TONE_MAX_MS = 60_000;

const engine = await createDatachannelEngine({
  clock: systemClock,
  logger: QUIET,
  ...(programInput() as EngineProgramInput),
});
let room: Room | undefined;
const heard: number[] = [];

async function join(url: string, token: string): Promise<JoinOutcome> {
  const nothing = (): void => undefined;
  const listener = {
    packet: ({ payload }: { readonly payload: Uint8Array }) => void heard.push(payload[0] ?? 0),
    participantJoined: nothing,
    participantLeft: nothing,
    reconnecting: () => report("reconnecting"),
    reconnected: () => report("reconnected"),
    ended: nothing,
  };
  const startMs = performance.now();
  const outcome = (failure = {}) => ({ durationMs: Math.round(performance.now() - startMs), ...failure });
  try {
    room = await engine.connect({ url, token, signal: new AbortController().signal }, listener);
    return outcome();
  } catch (error) {
    if (!(error instanceof RoomConnectError)) throw error;
    return outcome({ code: error.code, text: error.message });
  }
}

obey({
  join: ({ url, token }) => join(String(url), String(token)),
  heard: () => ({ heard }),
  async play({ track, frequencyHz }) {
    const source = createToneSource(Number(frequencyHz));
    source.play(TONE_MAX_MS);
    await room?.publishTrack(String(track), { sampleRateHz: 48_000, channels: 1 }, source);
  },
  /** Leaves; what is left of the engine's rooms then. */
  async leave() {
    await room?.close();
    heard.length = 0;
    return { counts: engine.counts() };
  },
});
report("ready");
