// The figures of a run, as they go into the table and the JSON file. Times in milliseconds unless a name says otherwise.

import type { Observation } from "./observe.js";
import { totalMs } from "./observe.js";
import type { Slope, Spread } from "./percentiles.js";
import { differenceOf, spreadOf } from "./percentiles.js";
import type { Stock } from "./proc.js";
import type { JoinTimes, Knocks } from "./programs/cloud.js";
import type { Reception } from "./tally.js";

export interface Report {
  readonly joins?: JoinFigures;
  readonly rest?: RestFigures;
  readonly packets?: PacketFigures;
  readonly load?: LoadFigures;
  readonly bare?: BareFigures;
  readonly other?: OtherFigures;
  readonly growth?: GrowthFigures;
  /** mixed: the joins of whoever comes and goes meanwhile. */
  readonly churn?: JoinFigures;
  readonly sounds?: readonly SoundFigures[];
  readonly plays?: PlayFigures;
  /** mic: those who tried to join meanwhile. */
  readonly knocks?: Knocks;
}

export interface JoinFigures {
  readonly count: number;
  readonly failures: readonly string[];
  /** `connect()` to the answer of JoinRoom. */
  readonly joinedMs: Spread;
  /** `connect()` to the accepted stream. */
  readonly streamingMs: Spread;
  /** A direct subscriber's joins meanwhile. */
  readonly controlMs: Spread;
}

export interface RestFigures {
  readonly sessions: number;
  readonly empty: Stock;
  readonly joined: Stock;
  readonly residentKbPerSession: number;
  readonly filesPerSession: number;
  /** Of all of the bridge while nobody has joined, percent of a core. */
  readonly emptyCpuPercent: number;
  readonly idleCpuPercent: number;
  /** What a silent session adds, percent of a core. */
  readonly idleCpuPercentPerSession: { readonly user: number; readonly system: number };
}

export interface PathFigures {
  readonly sent: number;
  readonly received: number;
  readonly lost: number;
  readonly duplicates: number;
  readonly reordered: number;
  readonly latencyMs: Spread;
}

export interface PacketFigures {
  readonly bridge: PathFigures;
  readonly control: PathFigures;
  /** Percentiles of the bridge's path minus those of the control. */
  readonly addedMs: Spread;
  /** The same packets by both ways, one minus the other. */
  readonly addedPerPacketMs: Spread;
}

export interface LoadFigures {
  readonly seconds: number;
  /** Of what is measured, the bridge or the bare receiver; percent of a core. */
  readonly ownCpuPercent: { readonly user: number; readonly system: number };
  /** What the CPU is shared out among: packets, chunks or seconds of sound. */
  readonly unit?: string;
  readonly ownCpuUsPerPacket?: { readonly user: number; readonly system: number; readonly beyondIdle: number };
  /** Percent of a core, by role. */
  readonly cpuPercent: Readonly<Record<string, number>>;
  readonly foreignCpuPercent: number;
  /** Busy time of each core, percent. */
  readonly corePercent: Readonly<Record<number, number>>;
  readonly stolenPercent: number;
  readonly pressurePercent: number | undefined;
  readonly pressureAvg10Max: number | undefined;
  readonly own: Stock;
  /** How often network interfaces came or went since the start of the run. */
  readonly interfaceChanges: number;
  readonly residentMbPerHour: Slope;
  /** Sends that were late against their plan; absent where nothing was sent at fixed moments. */
  readonly lateMs?: Spread;
  readonly refused?: number;
  /** Packets that the generator's own library still held at the end. */
  readonly unsent?: number;
  /** How often a phone lost its room, or its way there, since it joined. */
  readonly interruptions?: number;
  /** As the bridge says: its longest delay in the last half minute to minute. */
  readonly loopLagMs: number;
  /** What the bridge's own counters have grown by. */
  readonly counted: Readonly<Record<string, number>>;
}

export interface BareFigures {
  readonly path: PathFigures;
  readonly control: PathFigures;
  readonly load: LoadFigures;
  /** CPU per packet of the bridge divided by that of the bare receiver. */
  readonly cpuRatio: number;
}

/** The same load on a bridge with another engine. */
export interface OtherFigures {
  readonly engine: string;
  readonly rest: RestFigures;
  readonly packets: PacketFigures;
  readonly load: LoadFigures;
  /** CPU per packet of the first bridge divided by that of this one. */
  readonly cpuRatio: number;
}

export interface GrowthFigures {
  readonly cycles: number;
  readonly seconds: number;
  readonly failures: readonly string[];
  readonly joinedMs: Spread;
  readonly streamingMs: Spread;
  readonly controlMs: Spread;
  /** Replaced sessions whose client was told so; absent for churn. */
  readonly told?: number;
  readonly residentKbPerJoin: Slope;
  /** At this pace of joins. */
  readonly residentMbPerHour: number;
  readonly cpuMsPerJoin: number;
  readonly before: Stock;
  readonly after: Stock;
}

export interface SoundFigures {
  readonly what: string;
  readonly sent: number;
  readonly lost: number;
  readonly latencyMs: Spread;
  /** Loud time at the phones, of the time that was sent loud. */
  readonly heardPercent: number;
}

export interface PlayFigures {
  readonly count: number;
  readonly failures: readonly string[];
  readonly startedMs: Spread;
  /** COMPLETED after the call, beyond the length of the clip. */
  readonly completedBeyondClipMs: Spread;
}

export function joinFigures(times: JoinTimes, controlMs: Float64Array): JoinFigures {
  return {
    count: times.streamingMs.length,
    failures: times.failures,
    joinedMs: spreadOf(times.joinedMs),
    streamingMs: spreadOf(times.streamingMs),
    controlMs: spreadOf(controlMs),
  };
}

export function restFigures(empty: Observation, idle: Observation, sessions: number, role = "bridge"): RestFigures {
  const percent = (ms: number, seconds: number) => ms / (seconds * 10);
  const bridge = (seen: Observation) => seen.cpu[role] ?? { userMs: Number.NaN, systemMs: Number.NaN };
  const added = (part: "userMs" | "systemMs") =>
    (percent(bridge(idle)[part], idle.seconds) - percent(bridge(empty)[part], empty.seconds)) / sessions;
  return {
    sessions,
    empty: empty.own,
    joined: idle.own,
    residentKbPerSession: ((idle.own.residentMb - empty.own.residentMb) * 1024) / sessions,
    filesPerSession: (idle.own.files - empty.own.files) / sessions,
    emptyCpuPercent: percent(totalMs(bridge(empty)), empty.seconds),
    idleCpuPercent: percent(totalMs(bridge(idle)), idle.seconds),
    idleCpuPercentPerSession: { user: added("userMs"), system: added("systemMs") },
  };
}

export function pathFigures(sent: readonly number[], reception: Reception): PathFigures {
  const received = sent.map((_, user) => reception.received[user] ?? 0);
  const sum = (numbers: readonly number[]) => numbers.reduce((total, value) => total + value, 0);
  return {
    sent: sum(sent),
    received: sum(received),
    lost: sum(sent.map((count, user) => Math.max(0, count - (received[user] ?? 0)))),
    duplicates: reception.duplicates,
    reordered: reception.reordered,
    latencyMs: spreadOf(reception.latenciesMs),
  };
}

export function packetFigures(sent: readonly number[], bridge: Reception, control: Reception): PacketFigures {
  const bridgePath = pathFigures(sent, bridge);
  // The control is in the first user's room only.
  const controlPath = pathFigures(sent.slice(0, 1), control);
  const differences = [...bridge.firstUserMs].map((ms, sequence) => ms - (control.firstUserMs[sequence] ?? Number.NaN));
  return {
    bridge: bridgePath,
    control: controlPath,
    addedMs: differenceOf(bridgePath.latencyMs, controlPath.latencyMs),
    addedPerPacketMs: spreadOf(differences.filter((ms) => !Number.isNaN(ms))),
  };
}
