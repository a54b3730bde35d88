// churn: users who join, stream and leave, again and again. replace: joins over sessions that are there. In both, user 0
// speaks and is left alone: what the others do must not be heard there.

import { loadFigures } from "../load-figures.js";
import { monotonicMs } from "../monotonic.js";
import type { Point } from "../percentiles.js";
import { slopeOf, spreadOf } from "../percentiles.js";
import { cpuTimeOf, stockOf } from "../proc.js";
import type { JoinTimes, ReplaceTimes } from "../programs/cloud.js";
import type { GrowthFigures, Report } from "../report.js";
import { packetFigures } from "../report.js";
import type { Stage } from "../stage.js";
import { joinPhones, joinUsers, limitMs, listenTo, pause, speak, speakDuring, warmUp, withProbe } from "../steps.js";

type Cycle = (cycles: number) => Promise<JoinTimes | ReplaceTimes>;

const WARM_UP = 1;
const PHASE = 2;
const BLOCKS = 10;
/** After each block, until what was left is let go of. */
const SETTLE_MS = 500;
/** The longest time that a cycle is waited for. */
const CYCLE_MAX_SECONDS = 30;

export function runChurn(stage: Stage): Promise<Report> {
  const lanes = Array.from({ length: stage.options.lanes }, (_, lane) => `bench-${stage.run}-churn-${lane}`);
  return runCycles(stage, (cycles) =>
    stage.cloud.ask("churn", { lanes, cycles, everyMs: 0 }, limitMs(cycles * CYCLE_MAX_SECONDS)),
  );
}

export function runReplace(stage: Stage): Promise<Report> {
  const { lanes } = stage.options;
  return runCycles(stage, (cycles) =>
    stage.cloud.ask("replace", { lanes, cycles }, limitMs(cycles * CYCLE_MAX_SECONDS)),
  );
}

async function runCycles(stage: Stage, cycle: Cycle): Promise<Report> {
  const { options, bridge, cloud, control } = stage;
  await joinPhones(stage);
  const { joins, rest } = await joinUsers(stage);
  await warmUp(stage, { phase: WARM_UP, listener: cloud }, () =>
    speak(stage, { phase: WARM_UP, seconds: options.warmUpSeconds, speakers: 1 }),
  );
  if (options.warmUpCycles > 0) await cycle(options.warmUpCycles);
  await pause(SETTLE_MS);
  const before = await bridge.health.read();
  const measured = await listenTo(stage, { phase: PHASE, listeners: [cloud, control] }, () =>
    speakDuring(stage, { phase: PHASE, speakers: 1 }, () => measureGrowth(stage, cycle)),
  );
  const after = await bridge.health.read();
  const [atCloud, atControl] = measured.receptions;
  if (!atCloud || !atControl) throw new Error("nobody listened");
  const { result: growth, sent, ...generator } = measured.value;
  const health = { healthBefore: before.numbers, healthAfter: after.numbers };
  const load = loadFigures({ seen: measured.seen, role: "bridge", ...generator, ...health });
  return { joins, rest, growth, packets: packetFigures(sent, atCloud, atControl), load };
}

async function measureGrowth(stage: Stage, cycle: Cycle): Promise<GrowthFigures> {
  const { options, bridge } = stage;
  const before = stockOf(bridge.pid);
  const cpuBefore = cpuTimeOf(bridge.pid);
  const startMs = monotonicMs();
  const points: Point[] = [{ x: 0, y: before.residentMb * 1024 }];
  const blocks: (JoinTimes | ReplaceTimes)[] = [];
  const perBlock = Math.ceil(options.cycles / BLOCKS);
  const { controlMs } = await withProbe(stage, async () => {
    for (let block = 1; block <= BLOCKS; block += 1) {
      blocks.push(await cycle(perBlock));
      await pause(SETTLE_MS);
      points.push({ x: block * perBlock, y: stockOf(bridge.pid).residentMb * 1024 });
    }
  });
  const seconds = (monotonicMs() - startMs) / 1000;
  const cpu = cpuTimeOf(bridge.pid);
  const cycles = perBlock * BLOCKS;
  const residentKbPerJoin = slopeOf(points);
  const all = (of: (times: JoinTimes) => Float64Array) => blocks.flatMap((times) => [...of(times)]);
  return {
    cycles,
    seconds,
    failures: blocks.flatMap(({ failures }) => failures),
    joinedMs: spreadOf(all(({ joinedMs }) => joinedMs)),
    streamingMs: spreadOf(all(({ streamingMs }) => streamingMs)),
    controlMs: spreadOf(controlMs),
    ...(blocks.some((times) => "told" in times) && {
      told: blocks.reduce((sum, times) => sum + ("told" in times ? times.told : 0), 0),
    }),
    residentKbPerJoin,
    residentMbPerHour: ((residentKbPerJoin.perUnit / 1024) * cycles * 3600) / seconds,
    cpuMsPerJoin: (cpu.userMs + cpu.systemMs - cpuBefore.userMs - cpuBefore.systemMs) / cycles,
    before,
    after: stockOf(bridge.pid),
  };
}
