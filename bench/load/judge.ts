// Whether a run measured the bridge at all. A run whose generator was late, whose control lost packets, or whose machine had
// no time left says something about the machine, and its figures must not be used.

import type { Cores } from "./cores.js";
import type { Bounds } from "./options.js";
import type { LoadFigures, Report } from "./report.js";

export interface Verdict {
  readonly isValid: boolean;
  readonly reasons: readonly string[];
}

/** A process that takes more of its core than this has nothing left. */
const SATURATED_PERCENT = 90;
/** Packets on their way out at the end of a run are no backlog. */
const UNSENT_MAX = 5;
const UNSENT_MAX_SHARE = 0.01;
const STOLEN_MAX_PERCENT = 5;

export function judge(report: Report, cores: Cores, bounds: Bounds): Verdict {
  const reasons: string[] = [];
  if (report.load) reasons.push(...reasonsOf(report.load, cores, bounds));
  if (report.bare)
    reasons.push(...reasonsOf(report.bare.load, cores, bounds).map((reason) => `bare receiver: ${reason}`));
  if (report.other) {
    const { engine, load } = report.other;
    reasons.push(...reasonsOf(load, cores, bounds).map((reason) => `bridge on ${engine}: ${reason}`));
  }
  for (const control of [report.packets?.control, report.bare?.control, report.other?.packets.control]) {
    if (!control) continue;
    if (control.lost > 0) reasons.push(`the control itself lost ${control.lost} of ${control.sent} packets`);
    if (control.received === 0) reasons.push("the control heard nothing");
  }
  for (const { what, sent, lost } of report.sounds ?? []) {
    if (what === "control" && lost > 0) reasons.push(`the control itself lost ${lost} of ${sent} tones`);
    if (what === "control" && sent === 0) reasons.push("the control sent no tones");
  }
  return { isValid: reasons.length === 0, reasons };
}

function reasonsOf(load: LoadFigures, cores: Cores, bounds: Bounds): string[] {
  const reasons: string[] = [];
  const over = (value: number | undefined, max: number) => value !== undefined && value > max;
  const percent = (value: number) => `${value.toFixed(0)} %`;
  const lateP99 = load.lateMs?.p99;
  if (lateP99 !== undefined && over(lateP99, bounds.lateP99MaxMs))
    reasons.push(`the generator was late itself: p99 ${lateP99.toFixed(1)} ms, bound ${bounds.lateP99MaxMs} ms`);
  if (over(load.refused, 0)) reasons.push(`${load.refused} packets could not be sent`);
  const sends = load.lateMs?.count ?? 0;
  if (over(load.unsent, Math.max(UNSENT_MAX, UNSENT_MAX_SHARE * sends)))
    reasons.push(`the generator's library still held ${load.unsent} of ${sends} packets at the end`);
  if (over(load.interruptions, 0))
    reasons.push(`phones lost their rooms, or their way there, ${load.interruptions} times`);
  if (over(load.interfaceChanges, 0))
    reasons.push(`network interfaces came or went ${load.interfaceChanges} times, which breaks connections of WebRTC`);
  if (over(load.foreignCpuPercent, bounds.foreignMaxPercent))
    reasons.push(
      `other programs took ${percent(load.foreignCpuPercent)} of a core, bound ${percent(bounds.foreignMaxPercent)}`,
    );
  if (load.stolenPercent > STOLEN_MAX_PERCENT)
    reasons.push(`the host took ${percent(load.stolenPercent)} of a core from this machine`);
  const loadBusy = busyOf(load, cores.load);
  if (over(loadBusy, bounds.loadBusyMaxPercent))
    reasons.push(`the load's cores were ${percent(loadBusy)} busy, bound ${percent(bounds.loadBusyMaxPercent)}`);
  // A bridge that uses up its own core makes pressure by itself, and that is a result.
  const { user, system } = load.ownCpuPercent;
  const isBridgeSaturated = cores.isPinned && user + system > SATURATED_PERCENT * cores.bridge.length;
  const { pressurePercent } = load;
  if (pressurePercent !== undefined && over(pressurePercent, bounds.pressureMaxPercent) && !isBridgeSaturated)
    reasons.push(
      `something waited for CPU ${percent(pressurePercent)} of the time, bound ${percent(bounds.pressureMaxPercent)}, ` +
        "and not because the bridge had used up its core",
    );
  return reasons;
}

/** Mean of these cores, percent. */
function busyOf({ corePercent }: LoadFigures, cores: readonly number[]): number {
  return cores.reduce((sum, core) => sum + (corePercent[core] ?? 0), 0) / Math.max(1, cores.length);
}
