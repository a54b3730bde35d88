// The listening side of modes with sound: ears in some users' rooms, and a direct publisher in the first user's.

import { wavOf } from "../../test/support/wav.js";
import { startAudioServer } from "../../test/support/audio-server.js";
import { spreadOf } from "./percentiles.js";
import type { PlayedSound, SentSound } from "./sounds.js";
import type { Heard } from "./programs/ears.js";
import type { PlayFigures, SoundFigures } from "./report.js";
import { BURST_MS, CLIP_MS, fillWithTone, matchOnsets } from "./sounds.js";
import type { Cleanup, Stage } from "./stage.js";
import { limitMs, pause } from "./steps.js";

export interface Listening {
  /** Which users are heard. */
  readonly users: readonly number[];
  /** The control: the same tones without a bridge. */
  direct(seconds: number, everyMs: number): Promise<SentSound[]>;
  /** Forgets what was heard so far. */
  begin(): Promise<void>;
  heard(): Promise<Heard[]>;
}

const SETTLE_MS = 1000;
const CLIP_RATE_HZ = 48_000;

export async function startListening(stage: Stage, users: readonly number[]): Promise<Listening> {
  const { access, run } = stage;
  const [ears, direct] = [stage.startEars(), stage.startDirect()];
  const rooms = users.map((user) => ({ user, room: stage.users[user] ?? "" }));
  await ears.ask("join", { access, users: rooms }, limitMs(users.length));
  await direct.ask("join", { access, place: { room: stage.users[0] ?? "", identity: `direct-${run}` } });
  return {
    users,
    async direct(seconds, everyMs) {
      const sentAtMs = await direct.ask("speak", { seconds, everyMs }, limitMs(seconds));
      return sentAtMs.map((each) => ({ user: 0, sentAtMs: each }));
    },
    async begin() {
      // The last tones from before are heard.
      await pause(SETTLE_MS);
      await ears.ask("listen", undefined);
    },
    async heard() {
      await pause(SETTLE_MS);
      return ears.ask("heard", undefined);
    },
  };
}

export interface Sounded {
  readonly what: string;
  readonly sent: readonly SentSound[];
  readonly everyMs: number;
  readonly toneMs: number;
  readonly track: string;
}

/** What became of the tones sent to users who are heard. */
export function soundFigures(heard: readonly Heard[], { what, sent, everyMs, toneMs, track }: Sounded): SoundFigures {
  const latenciesMs: number[] = [];
  let [count, lost, heardMs] = [0, 0, 0];
  const users = new Set(heard.map(({ user }) => user));
  for (const user of users) {
    const sentAtMs = sent.filter((each) => each.user === user).map((each) => each.sentAtMs);
    if (sentAtMs.length === 0) continue;
    // A track that was published anew is heard as another one of the same name.
    const tracks = heard.filter((each) => each.user === user && each.track === track);
    const onsetsMs = tracks.flatMap((each) => [...each.onsetsMs]).toSorted((a, b) => a - b);
    const matched = matchOnsets(sentAtMs, onsetsMs, everyMs);
    latenciesMs.push(...matched.latenciesMs);
    count += sentAtMs.length;
    lost += matched.lost;
    heardMs += tracks.reduce((sum, each) => sum + each.heardMs, 0);
  }
  return {
    what,
    sent: count,
    lost,
    latencyMs: spreadOf(latenciesMs),
    heardPercent: (heardMs * 100) / (count * toneMs),
  };
}

export const toned = (track: string, sent: readonly SentSound[], everyMs: number) => ({
  track,
  sent,
  everyMs,
  toneMs: BURST_MS,
});

export function playFigures(plays: readonly PlayedSound[]): PlayFigures {
  const done = plays.filter(({ error }) => error === "");
  return {
    count: plays.length,
    failures: plays.flatMap(({ error }) => (error === "" ? [] : [error])),
    startedMs: spreadOf(done.map(({ startedMs }) => startedMs)),
    completedBeyondClipMs: spreadOf(done.map(({ completedMs }) => completedMs - CLIP_MS)),
  };
}

/** Serves the clip that is played, and returns its URL. */
export async function serveClip(cleanup: Cleanup): Promise<string> {
  const web = await startAudioServer();
  cleanup.add(() => web.close());
  const samples = new Int16Array((CLIP_RATE_HZ * CLIP_MS) / 1000);
  fillWithTone(CLIP_RATE_HZ, samples);
  return web.add("/clip.wav", wavOf(samples, CLIP_RATE_HZ));
}
