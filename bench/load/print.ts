// The report as a person reads it.

import type { Spread } from "./percentiles.js";
import type { Stock } from "./proc.js";
import type { Knocks } from "./programs/cloud.js";
import type {
  BareFigures,
  OtherFigures,
  GrowthFigures,
  JoinFigures,
  LoadFigures,
  PacketFigures,
  PathFigures,
  PlayFigures,
  Report,
  RestFigures,
  SoundFigures,
} from "./report.js";
import type { Verdict } from "./judge.js";

export function printReport(report: Report, verdict: Verdict): string {
  const sections = [
    report.joins && joins(report.joins, "joins, ms"),
    report.rest && rest(report.rest),
    report.growth && growth(report.growth),
    report.churn && joins(report.churn, "joins meanwhile, ms"),
    report.packets && packets(report.packets, report.load?.counted ?? {}),
    report.sounds && sounds(report.sounds),
    report.plays && plays(report.plays),
    report.knocks && knocks(report.knocks),
    report.load && load(report.load, "bridge"),
    report.bare && bare(report.bare),
    report.other && other(report.other),
    verdictText(verdict),
  ];
  return sections.filter((section) => section !== undefined).join("\n\n");
}

const LABEL_WIDTH = 34;
/** A garbage collection more or less decides the slope of a shorter run; the JSON has it all the same. */
const SLOPE_MIN_SECONDS = 300;

const fixed = (value: number | undefined, digits = 1) =>
  value === undefined || Number.isNaN(value) ? "n/a" : value.toFixed(digits);
const line = (label: string, text: string) => `  ${label.padEnd(LABEL_WIDTH)} ${text}`;
const head = (title: string, columns: string) => `${title.padEnd(LABEL_WIDTH + 2)} ${columns}`;
const cells = (values: readonly (number | undefined)[], digits = 1) =>
  values.map((value) => fixed(value, digits).padStart(8)).join(" ");

const SPREAD_COLUMNS = ["n", "p50", "p95", "p99", "max"].map((name) => name.padStart(8)).join(" ");
const spread = (label: string, { count, p50, p95, p99, max }: Spread) =>
  line(label, `${String(count).padStart(8)} ${cells([p50, p95, p99, max])}`);

function joins({ joinedMs, streamingMs, controlMs, failures }: JoinFigures, title: string): string {
  return [
    head(title, SPREAD_COLUMNS),
    spread("bridge: connect to joined", joinedMs),
    spread("bridge: connect to streaming", streamingMs),
    ...(controlMs.count === 0 ? [] : [spread("control: direct join", controlMs)]),
    ...failed(failures),
  ].join("\n");
}

function failed(failures: readonly string[]): string[] {
  return failures.length === 0 ? [] : [line("FAILED", `${failures.length}, the first: ${failures[0] ?? ""}`)];
}

const stock = ({ residentMb, threads, files }: Stock) =>
  `${fixed(residentMb)} MB resident, ${threads} threads, ${fixed(files, 0)} files`;

function rest(figures: RestFigures): string {
  const { user, system } = figures.idleCpuPercentPerSession;
  return [
    `at rest, ${figures.sessions} sessions`,
    line("bridge, nobody joined", `${stock(figures.empty)}, CPU ${fixed(figures.emptyCpuPercent, 2)} % of a core`),
    line("bridge, all joined and silent", `${stock(figures.joined)}, CPU ${fixed(figures.idleCpuPercent, 2)} %`),
    line("a session adds", `${fixed(figures.residentKbPerSession, 0)} KB, ${fixed(figures.filesPerSession)} files`),
    line("a silent session's CPU", `${fixed(user, 3)} % user + ${fixed(system, 3)} % system of a core`),
  ].join("\n");
}

function growth(figures: GrowthFigures): string {
  const { perUnit, error } = figures.residentKbPerJoin;
  return [
    head(`${figures.cycles} cycles in ${fixed(figures.seconds)} s, ms`, SPREAD_COLUMNS),
    spread("bridge: connect to joined", figures.joinedMs),
    spread("bridge: connect to streaming", figures.streamingMs),
    spread("control: direct join", figures.controlMs),
    ...failed(figures.failures),
    ...(figures.told === undefined ? [] : [line("replaced and told so", `${figures.told} of ${figures.cycles}`)]),
    line("growth per join", `${fixed(perUnit)} KB ± ${fixed(2 * error)}`),
    line("per hour at this pace", `${fixed(figures.residentMbPerHour)} MB`),
    line("CPU per cycle", `${fixed(figures.cpuMsPerJoin)} ms`),
    line("before", stock(figures.before)),
    line("after", stock(figures.after)),
  ].join("\n");
}

const PATH_COLUMNS = ["sent", "lost", "double", "reorder", "p50", "p95", "p99", "max"]
  .map((name) => name.padStart(8))
  .join(" ");

function path(label: string, { sent, lost, duplicates, reordered, latencyMs }: PathFigures): string {
  const { p50, p95, p99, max } = latencyMs;
  return line(label, `${cells([sent, lost, duplicates, reordered], 0)} ${cells([p50, p95, p99, max], 2)}`);
}

function packets(
  { bridge, control, addedMs, addedPerPacketMs }: PacketFigures,
  counted: Readonly<Record<string, number>>,
): string {
  const blank = " ".repeat(36);
  const row = ({ p50, p95, p99, max }: Spread) => blank + cells([p50, p95, p99, max], 2);
  return [
    head("packets, room to cloud; latency, ms", PATH_COLUMNS),
    path("bridge", bridge),
    ...(bridge.lost > 0 ? whereLost(bridge, counted) : []),
    path("control: direct, user 0's room", control),
    line("added: bridge minus control", row(addedMs)),
    line("added, user 0's packets one by one", row(addedPerPacketMs)),
  ].join("\n");
}

/** As the bridge counts: packets of senders that it has not been told of never arrived. */
function whereLost({ sent, lost }: PathFigures, counted: Readonly<Record<string, number>>): string[] {
  const { frames_received: arrived, frames_sent: passedOn } = counted;
  if (arrived === undefined || passedOn === undefined) return [];
  const [before, inside] = [Math.max(0, sent - arrived), Math.max(0, arrived - passedOn)];
  const after = Math.max(0, lost - before - inside);
  const text = `${before} never arrived there, ${inside} were not passed on, ${after} had not come from there in time`;
  return [line("where they were lost", text)];
}

function sounds(figures: readonly SoundFigures[]): string {
  const rows = figures.map(({ what, sent, lost, heardPercent, latencyMs: { p50, p95, p99, max } }) =>
    line(what, `${cells([sent, lost, heardPercent], 0)} ${cells([p50, p95, p99, max])}`),
  );
  const columns = ["sent", "lost", "heard %", "p50", "p95", "p99", "max"].map((name) => name.padStart(8)).join(" ");
  return [head("tones, sent to heard, ms", columns), ...rows].join("\n");
}

function plays({ count, failures, startedMs, completedBeyondClipMs }: PlayFigures): string {
  return [
    head(`${count} plays, ms`, SPREAD_COLUMNS),
    spread("call to STARTED", startedMs),
    spread("call to COMPLETED, beyond the clip", completedBeyondClipMs),
    ...failed(failures),
  ].join("\n");
}

function knocks({ admitted, refused }: Knocks): string {
  const reasons = Object.entries(refused).map(([code, count]) => `${count} ${code}`);
  return [
    "further users who tried to join meanwhile",
    line("let in", String(admitted)),
    line("refused", reasons.join(", ") || "none"),
  ].join("\n");
}

function load(figures: LoadFigures, who: string): string {
  const { user, system } = figures.ownCpuPercent;
  const perPacket = figures.ownCpuUsPerPacket;
  const named = (values: Readonly<Record<string, number>>) =>
    Object.entries(values)
      .map(([name, value]) => `${name} ${fixed(value)}`)
      .join(", ");
  const { perUnit, error } = figures.residentMbPerHour;
  const late = figures.lateMs;
  const counted = Object.entries(figures.counted).filter(([, value]) => value !== 0);
  return [
    `under load, ${fixed(figures.seconds)} s`,
    line(`CPU of the ${who}`, `${fixed(user)} % user + ${fixed(system)} % system of a core`),
    ...(perPacket === undefined
      ? []
      : [
          line(
            `CPU per ${figures.unit ?? "packet"}`,
            `${fixed(perPacket.user + perPacket.system, 0)} µs: ${fixed(perPacket.user, 0)} user + ` +
              `${fixed(perPacket.system, 0)} system; ${fixed(perPacket.beyondIdle, 0)} beyond idle`,
          ),
        ]),
    line(who, stock(figures.own)),
    line(
      "resident memory, slope",
      figures.seconds < SLOPE_MIN_SECONDS
        ? `n/a below ${SLOPE_MIN_SECONDS} s`
        : `${fixed(perUnit)} MB per hour ± ${fixed(2 * error)}`,
    ),
    ...(Number.isNaN(figures.loopLagMs)
      ? []
      : [line("event loop lag, as the bridge says", `${fixed(figures.loopLagMs, 0)} ms at most`)]),
    ...(counted.length === 0
      ? []
      : [line("counted by the bridge", counted.map(([name, n]) => `${name} ${n}`).join(", "))]),
    line("CPU of all, % of a core", named(figures.cpuPercent)),
    line("CPU of other programs", `${fixed(figures.foreignCpuPercent)} % of a core`),
    line("cores busy, %", named(figures.corePercent)),
    line(
      "CPU pressure",
      `${fixed(figures.pressurePercent, 0)} % of the time; avg10 at most ${fixed(figures.pressureAvg10Max, 0)} %`,
    ),
    ...(late === undefined
      ? []
      : [
          line(
            "the generator's own lateness",
            `p50 ${fixed(late.p50)} p99 ${fixed(late.p99)} max ${fixed(late.max)} ms`,
          ),
        ]),
  ].join("\n");
}

function bare(figures: BareFigures): string {
  return [
    "the same load, heard by the bridge's engine without the bridge",
    head("", PATH_COLUMNS),
    path("bare receiver", figures.path),
    path("control", figures.control),
    load(figures.load, "bare receiver"),
    line("CPU per packet, bridge / bare", fixed(figures.cpuRatio, 2)),
  ].join("\n");
}

function other(figures: OtherFigures): string {
  return [
    `the same load on a bridge with the engine ${figures.engine}`,
    rest(figures.rest),
    packets(figures.packets, {}),
    load(figures.load, `bridge on ${figures.engine}`),
    line(`CPU per packet, of that on ${figures.engine}`, fixed(figures.cpuRatio, 2)),
  ].join("\n");
}

function verdictText({ isValid, reasons }: Verdict): string {
  if (isValid) return "VALID: generator, control and machine kept up";
  return ["INVALID: these figures are not the bridge's", ...reasons.map((reason) => `  - ${reason}`)].join("\n");
}
