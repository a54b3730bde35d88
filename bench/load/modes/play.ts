// play: PlayAudio of a short clip to every user, again and again, and some phones listen.

import { loadFigures } from "../load-figures.js";
import { playFigures, serveClip, soundFigures, startListening, toned } from "../listening.js";
import { observe } from "../observe.js";
import { CLIP_MS, DIRECT_TRACK } from "../sounds.js";
import type { Report } from "../report.js";
import type { Stage } from "../stage.js";
import { joinUsers, limitMs } from "../steps.js";

const EVERY_MS = 2000;

export async function runPlay(stage: Stage): Promise<Report> {
  const { options, bridge, cloud } = stage;
  const url = await serveClip(stage.cleanup);
  const { joins, rest } = await joinUsers(stage);
  const users = stage.users.map((_, index) => index);
  const listening = await startListening(stage, users.slice(0, options.ears));
  const play = (seconds: number) =>
    Promise.all([
      cloud.ask("play", { seconds, everyMs: EVERY_MS, users, url }, limitMs(seconds)),
      listening.direct(seconds, EVERY_MS),
    ]);
  await play(Math.max(options.warmUpSeconds, EVERY_MS / 1000));
  await listening.begin();
  const before = await bridge.health.read();
  const { value, seen } = await observe(stage, () => play(options.seconds));
  const after = await bridge.health.read();
  const [played, directly] = value;
  const heard = await listening.heard();
  const load = loadFigures({
    seen,
    role: "bridge",
    packets: (played.plays.length * CLIP_MS) / 1000,
    unit: "second of sound",
    idlePercent: rest.idleCpuPercent,
    lateMs: played.lateMs,
    healthBefore: before.numbers,
    healthAfter: after.numbers,
  });
  const sounds = [
    soundFigures(heard, { what: "bridge", sent: played.plays, track: "speaker", everyMs: EVERY_MS, toneMs: CLIP_MS }),
    soundFigures(heard, { what: "control", ...toned(DIRECT_TRACK, directly, EVERY_MS) }),
  ];
  return { joins, rest, sounds, plays: playFigures(played.plays), load };
}
