// The same phones once more, heard by something else on the core that the bridge had.

import { bridgeIdentity } from "../access.js";
import { loadFigures } from "../load-figures.js";
import { observe } from "../observe.js";
import type { BareFigures, LoadFigures, OtherFigures, Report } from "../report.js";
import { packetFigures, pathFigures, restFigures } from "../report.js";
import type { Stage } from "../stage.js";
import { limitMs, listenTo, pause, speak, warmUp } from "../steps.js";

const WARM_UP = 3;
const MEASURED = 4;
const SETTLE_MS = 2000;

const cpuUsPerPacket = ({ ownCpuUsPerPacket: cpu }: LoadFigures) => (cpu?.user ?? Number.NaN) + (cpu?.system ?? 0);

/** The same phones, heard by the engine alone, on the core that the bridge had. */
export async function runBare(stage: Stage, ofBridge: LoadFigures): Promise<BareFigures> {
  const { options, cloud, control, access, users, bridge } = stage;
  await cloud.ask("leave", undefined);
  await bridge.stop();
  await pause(SETTLE_MS);
  const bare = await stage.startBare();
  const places = users.map((room) => ({ room, identity: bridgeIdentity(room) }));
  await bare.ask("join", { access, kind: "routed", places }, limitMs(users.length));
  await pause(SETTLE_MS);
  const { seen: idle } = await observe(stage, () => pause(options.restSeconds * 1000), bare.pid);
  await warmUp(stage, { phase: WARM_UP, listener: bare }, () =>
    speak(stage, { phase: WARM_UP, seconds: options.warmUpSeconds, speakers: options.users }),
  );
  const measured = await listenTo(stage, { phase: MEASURED, listeners: [bare, control], pid: bare.pid }, () =>
    speak(stage, { phase: MEASURED, seconds: options.seconds, speakers: options.users }),
  );
  const [atBare, atControl] = measured.receptions;
  if (!atBare || !atControl) throw new Error("nobody listened");
  const { sent, ...generator } = measured.value;
  const path = pathFigures(sent, atBare);
  const role = "bare receiver";
  const { user, system } = loadFigures({ seen: idle, role }).ownCpuPercent;
  const load = loadFigures({ seen: measured.seen, role, idlePercent: user + system, packets: path.sent, ...generator });
  return {
    path,
    control: pathFigures(sent.slice(0, 1), atControl),
    load,
    cpuRatio: cpuUsPerPacket(ofBridge) / cpuUsPerPacket(load),
  };
}

/** A bridge on another engine, with everything that a bridge does. */
export async function runOther(stage: Stage, engine: string, first: Report): Promise<OtherFigures> {
  const { options, cloud, control, users, access, bridge } = stage;
  await cloud.ask("leave", undefined);
  await bridge.stop();
  await pause(SETTLE_MS);
  const other = await stage.startBridge(engine);
  const role = `bridge on ${engine}`;
  const quiet = () => pause(options.restSeconds * 1000);
  const { seen: empty } = await observe(stage, quiet, other.pid);
  await cloud.ask("enter", { access, address: other.address });
  const everyMs = 1000 / options.joinsPerSecond;
  await cloud.ask("join", { users, everyMs }, limitMs((users.length * everyMs) / 1000));
  await pause(SETTLE_MS);
  const { seen: idle } = await observe(stage, quiet, other.pid);
  const rest = restFigures(empty, idle, users.length, role);
  await warmUp(stage, { phase: WARM_UP, listener: cloud }, () =>
    speak(stage, { phase: WARM_UP, seconds: options.warmUpSeconds, speakers: options.users }),
  );
  const measured = await listenTo(stage, { phase: MEASURED, listeners: [cloud, control], pid: other.pid }, () =>
    speak(stage, { phase: MEASURED, seconds: options.seconds, speakers: options.users }),
  );
  const [atCloud, atControl] = measured.receptions;
  if (!atCloud || !atControl) throw new Error("nobody listened");
  const { sent, ...generator } = measured.value;
  const packets = packetFigures(sent, atCloud, atControl);
  const load = loadFigures({
    seen: measured.seen,
    role,
    idlePercent: rest.idleCpuPercent,
    packets: packets.bridge.sent,
    ...generator,
  });
  const cpuRatio = first.load ? cpuUsPerPacket(first.load) / cpuUsPerPacket(load) : Number.NaN;
  return { engine, rest, packets, load, cpuRatio };
}
