// mic: every phone speaks, room → cloud.

import { loadFigures } from "../load-figures.js";
import type { Report } from "../report.js";
import { packetFigures } from "../report.js";
import type { Knocks } from "../programs/cloud.js";
import type { Stage } from "../stage.js";
import { joinPhones, joinUsers, limitMs, listenTo, speak, warmUp } from "../steps.js";
import { runBare, runOther } from "./compare.js";

const WARM_UP = 1;
const MEASURED = 2;

export async function runMic(stage: Stage): Promise<Report> {
  const { options, bridge, cloud, control } = stage;
  await joinPhones(stage);
  const { joins, rest } = await joinUsers(stage);
  const speakers = options.users;
  await warmUp(stage, { phase: WARM_UP, listener: cloud }, () =>
    speak(stage, { phase: WARM_UP, seconds: options.warmUpSeconds, speakers }),
  );
  const before = await bridge.health.read();
  const measured = await listenTo(stage, { phase: MEASURED, listeners: [cloud, control] }, async () => {
    const [spoken, knocks] = await Promise.all([
      speak(stage, { phase: MEASURED, seconds: options.seconds, speakers }),
      options.knockers > 0 ? knock(stage) : undefined,
    ]);
    return { ...spoken, knocks };
  });
  const after = await bridge.health.read();
  const [atCloud, atControl] = measured.receptions;
  if (!atCloud || !atControl) throw new Error("nobody listened");
  const packets = packetFigures(measured.value.sent, atCloud, atControl);
  const load = loadFigures({
    seen: measured.seen,
    role: "bridge",
    packets: packets.bridge.sent,
    idlePercent: rest.idleCpuPercent,
    lateMs: measured.value.lateMs,
    refused: measured.value.refused,
    unsent: measured.value.unsent,
    interruptions: measured.value.interruptions,
    healthBefore: before.numbers,
    healthAfter: after.numbers,
  });
  const { knocks } = measured.value;
  const report = { joins, rest, packets, load, ...(knocks && { knocks }) };
  if (options.comparedWith === undefined) return report;
  if (options.comparedWith === "bare") return { ...report, bare: await runBare(stage, load) };
  return { ...report, other: await runOther(stage, options.comparedWith, report) };
}

/** Users for whom there is no room any more. */
function knock({ options, cloud, run }: Stage): Promise<Knocks> {
  const users = Array.from({ length: options.knockers }, (_, index) => `bench-${run}-knocker-${index}`);
  return cloud.ask("knock", { users, seconds: options.seconds }, limitMs(options.seconds));
}
