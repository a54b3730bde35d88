// uplink: the cloud speaks to every user, cloud → room, and some phones listen.

import { loadFigures } from "../load-figures.js";
import { soundFigures, startListening, toned } from "../listening.js";
import { observe } from "../observe.js";
import { DIRECT_TRACK } from "../sounds.js";
import type { Report } from "../report.js";
import type { Stage } from "../stage.js";
import { joinUsers, limitMs } from "../steps.js";

const EVERY_MS = 1000;
const CHUNKS_PER_SECOND = 50;

export async function runUplink(stage: Stage): Promise<Report> {
  const { options, bridge, cloud } = stage;
  const { joins, rest } = await joinUsers(stage);
  const users = stage.users.map((_, index) => index);
  const listening = await startListening(stage, users.slice(0, options.ears));
  const speak = (seconds: number) =>
    Promise.all([
      cloud.ask("speak", { seconds, everyMs: EVERY_MS, users }, limitMs(seconds)),
      listening.direct(seconds, EVERY_MS),
    ]);
  await speak(options.warmUpSeconds);
  await listening.begin();
  const before = await bridge.health.read();
  const { value, seen } = await observe(stage, () => speak(options.seconds));
  const after = await bridge.health.read();
  const [spoken, directly] = value;
  const heard = await listening.heard();
  const load = loadFigures({
    seen,
    role: "bridge",
    packets: options.seconds * CHUNKS_PER_SECOND * options.users,
    unit: "chunk of 20 ms",
    idlePercent: rest.idleCpuPercent,
    lateMs: spoken.lateMs,
    refused: spoken.refused,
    healthBefore: before.numbers,
    healthAfter: after.numbers,
  });
  const sounds = [
    soundFigures(heard, { what: "bridge", ...toned("speaker", spoken.sent, EVERY_MS) }),
    soundFigures(heard, { what: "control", ...toned(DIRECT_TRACK, directly, EVERY_MS) }),
  ];
  return { joins, rest, sounds, load };
}
