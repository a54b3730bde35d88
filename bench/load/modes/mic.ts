// mic: every phone speaks, room → cloud.

import { loadFigures } from "../load-figures.js";
import { observe } from "../observe.js";
import type { BareFigures, LoadFigures, Report } from "../report.js";
import { packetFigures, pathFigures } from "../report.js";
import { bridgeIdentity } from "../access.js";
import type { Knocks } from "../programs/cloud.js";
import type { Stage } from "../stage.js";
import { joinPhones, joinUsers, limitMs, listenTo, pause, speak, warmUp } from "../steps.js";

const WARM_UP = 1;
const MEASURED = 2;
const BARE_WARM_UP = 3;
const BARE_MEASURED = 4;
const SETTLE_MS = 2000;

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
  return options.isComparedWithBare ? { ...report, bare: await runBare(stage, load) } : report;
}

/** Users for whom there is no room any more. */
function knock({ options, cloud, run }: Stage): Promise<Knocks> {
  const users = Array.from({ length: options.knockers }, (_, index) => `bench-${run}-knocker-${index}`);
  return cloud.ask("knock", { users, seconds: options.seconds }, limitMs(options.seconds));
}

/** The same phones, heard by the engine alone, on the core that the bridge had. */
async function runBare(stage: Stage, ofBridge: LoadFigures): Promise<BareFigures> {
  const { options, cloud, control, access, users, bridge } = stage;
  await cloud.ask("leave", undefined);
  await bridge.stop();
  await pause(SETTLE_MS);
  const bare = await stage.startBare();
  const places = users.map((room) => ({ room, identity: bridgeIdentity(room) }));
  await bare.ask("join", { access, kind: "routed", places }, limitMs(users.length));
  await pause(SETTLE_MS);
  const { seen: idle } = await observe(stage, () => pause(options.restSeconds * 1000), bare.pid);
  await warmUp(stage, { phase: BARE_WARM_UP, listener: bare }, () =>
    speak(stage, { phase: BARE_WARM_UP, seconds: options.warmUpSeconds, speakers: options.users }),
  );
  const measured = await listenTo(stage, { phase: BARE_MEASURED, listeners: [bare, control], pid: bare.pid }, () =>
    speak(stage, { phase: BARE_MEASURED, seconds: options.seconds, speakers: options.users }),
  );
  const [atBare, atControl] = measured.receptions;
  if (!atBare || !atControl) throw new Error("nobody listened");
  const { sent, ...generator } = measured.value;
  const path = pathFigures(sent, atBare);
  const role = "bare receiver";
  const { user, system } = loadFigures({ seen: idle, role }).ownCpuPercent;
  const load = loadFigures({ seen: measured.seen, role, idlePercent: user + system, packets: path.sent, ...generator });
  const perPacket = ({ ownCpuUsPerPacket: cpu }: LoadFigures) => (cpu?.user ?? Number.NaN) + (cpu?.system ?? 0);
  return {
    path,
    control: pathFigures(sent.slice(0, 1), atControl),
    load,
    cpuRatio: perPacket(ofBridge) / perPacket(load),
  };
}
