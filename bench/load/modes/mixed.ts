// mixed: every phone speaks, the cloud speaks to a fifth of the users and plays clips to another fifth, and once a second
// somebody joins and leaves.

import { loadFigures } from "../load-figures.js";
import { playFigures, serveClip, soundFigures, startListening, toned } from "../listening.js";
import { CLIP_MS, DIRECT_TRACK } from "../sounds.js";
import type { Report } from "../report.js";
import { joinFigures, packetFigures } from "../report.js";
import type { Stage } from "../stage.js";
import { joinPhones, joinUsers, limitMs, listenTo, speak, warmUp } from "../steps.js";

const WARM_UP = 1;
const MEASURED = 2;
const TONE_EVERY_MS = 1000;
const PLAY_EVERY_MS = 2000;
const CYCLE_EVERY_MS = 1000;

export async function runMixed(stage: Stage): Promise<Report> {
  const { options, bridge, cloud, control } = stage;
  const url = await serveClip(stage.cleanup);
  await joinPhones(stage);
  const { joins, rest } = await joinUsers(stage);
  const share = Math.max(1, Math.floor(options.users / 5));
  const all = stage.users.map((_, index) => index);
  const [spokenTo, playedTo] = [all.slice(0, share), all.slice(share, 2 * share)];
  const heardUsers = [...spokenTo.slice(0, options.ears), ...playedTo.slice(0, options.ears)];
  const listening = await startListening(stage, heardUsers);
  const lanes = [`bench-${stage.run}-churn`];

  const load = async (phase: number, seconds: number) => {
    const cycles = Math.ceil((seconds * 1000) / CYCLE_EVERY_MS);
    const [spoken, tones, plays, directly, churn] = await Promise.all([
      speak(stage, { phase, seconds, speakers: options.users }),
      cloud.ask("speak", { seconds, everyMs: TONE_EVERY_MS, users: spokenTo }, limitMs(seconds)),
      cloud.ask("play", { seconds, everyMs: PLAY_EVERY_MS, users: playedTo, url }, limitMs(seconds)),
      listening.direct(seconds, TONE_EVERY_MS),
      cloud.ask("churn", { lanes, cycles, everyMs: CYCLE_EVERY_MS }, limitMs(seconds * 10)),
    ]);
    return { ...spoken, tones, played: plays, directly, churn };
  };
  await warmUp(stage, { phase: WARM_UP, listener: cloud }, () =>
    load(WARM_UP, Math.max(options.warmUpSeconds, PLAY_EVERY_MS / 1000)),
  );
  await listening.begin();
  const before = await bridge.health.read();
  const measured = await listenTo(stage, { phase: MEASURED, listeners: [cloud, control] }, () =>
    load(MEASURED, options.seconds),
  );
  const after = await bridge.health.read();
  const heard = await listening.heard();
  const [atCloud, atControl] = measured.receptions;
  if (!atCloud || !atControl) throw new Error("nobody listened");
  const { sent, lateMs, refused, unsent, interruptions, tones, played, directly, churn } = measured.value;
  return {
    joins,
    rest,
    churn: joinFigures(churn, new Float64Array(0)),
    packets: packetFigures(sent, atCloud, atControl),
    sounds: [
      soundFigures(heard, { what: "uplink", ...toned("speaker", tones.sent, TONE_EVERY_MS) }),
      soundFigures(heard, {
        what: "play",
        sent: played.plays,
        track: "speaker",
        everyMs: PLAY_EVERY_MS,
        toneMs: CLIP_MS,
      }),
      soundFigures(heard, { what: "control", ...toned(DIRECT_TRACK, directly, TONE_EVERY_MS) }),
    ],
    plays: playFigures(played.plays),
    load: loadFigures({
      seen: measured.seen,
      role: "bridge",
      lateMs: Float64Array.from([...lateMs, ...tones.lateMs, ...played.lateMs]),
      refused: refused + tones.refused,
      unsent,
      interruptions,
      healthBefore: before.numbers,
      healthAfter: after.numbers,
    }),
  };
}
