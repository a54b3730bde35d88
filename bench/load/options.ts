// The command line, completed and checked once.

import { parseArgs } from "node:util";
import { MARK_BYTES } from "./mark.js";

export const MODES = ["mic", "idle", "churn", "replace", "uplink", "play", "mixed"] as const;
export type Mode = (typeof MODES)[number];

export const COMPARED = ["bare", "rtc-node", "datachannel"] as const;
export type ComparedWith = (typeof COMPARED)[number];

export interface LoadOptions {
  readonly mode: Mode;
  readonly users: number;
  readonly packetsPerSecond: number;
  readonly packetBytes: number;
  readonly isReliable: boolean;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Nothing is sent, before and after the joins, while what that costs is measured. */
  readonly restSeconds: number;
  readonly joinsPerSecond: number;
  readonly cycles: number;
  readonly warmUpCycles: number;
  readonly lanes: number;
  /** mic: further users who try to join while it is measured, again and again. */
  readonly knockers: number;
  /** Users whose rooms are listened to, in modes with sound. */
  readonly ears: number;
  readonly phoneProcesses: number;
  /** What phones are made of: LiveKit's native library, or data channels and nothing else. */
  readonly phones: "native" | "lean";
  readonly isPinned: boolean;
  /** mic: what the same load is put on afterwards. */
  readonly comparedWith: ComparedWith | undefined;
  /** A bridge that runs already. */
  readonly target: { readonly address: string; readonly pid: number } | undefined;
  readonly serverPid: number | undefined;
  /** Further environment of the bridge. */
  readonly bridgeEnv: Readonly<Record<string, string>>;
  readonly jsonFile: string | undefined;
  readonly bounds: Bounds;
}

/** What makes a run worthless when it is exceeded. */
export interface Bounds {
  readonly lateP99MaxMs: number;
  readonly foreignMaxPercent: number;
  readonly loadBusyMaxPercent: number;
  readonly pressureMaxPercent: number;
}

export class UsageError extends Error {
  override readonly name = "UsageError";
}

export const USAGE = `npm run bench -- [MODE] [OPTIONS]

modes: mic (default), idle, churn, replace, uplink, play, mixed; docs/measuring.md tells what each does

  --users N            users, each with a phone and a room (10)
  --rate N             packets per second and phone (10)
  --bytes N            bytes of a packet, at least ${MARK_BYTES} (3200)
  --lossy              packets on the lossy channel
  --seconds N          measured time (25)
  --warm-up N          seconds of load before it (5)
  --rest N             seconds of silence measured before and after the joins (5)
  --joins-per-second N pace of the joins (5)
  --cycles N           churn, replace: measured joins (300)
  --warm-up-cycles N   churn, replace: joins before them (100)
  --lanes N            churn, replace: joins at once (2)
  --knockers N         mic: further users who try to join meanwhile, again and again (0)
  --ears N             uplink, play, mixed: rooms that are listened to (5)
  --phone-processes N  processes that send (1)
  --compare bare       mic: the same load to a receiver with rtc-node's engine and nothing else
  --compare rtc-node | datachannel   mic: the same load to a bridge on that engine
  --phones lean        phones without a media engine, which leave more CPU to the rest (native)
  --target HOST:PORT --pid P   a bridge that runs already, instead of the built one
  --server-pid P       with LIVEKIT_URL: the server's process, to measure its CPU
  --set NAME=VALUE     environment of the bridge, repeatable
  --no-pin             do not give the bridge a core of its own
  --late-max MS        send lateness p99 that makes a run invalid (10)
  --foreign-max P      CPU of other programs, percent of a core (15)
  --load-busy-max P    busy time of the load's cores, percent (95)
  --pressure-max P     CPU pressure, percent of the time (80)
  --json FILE          write the figures there as well

LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET: a LiveKit server that runs already, instead of one of its own`;

const OPTIONS = {
  users: { type: "string", default: "10" },
  rate: { type: "string", default: "10" },
  bytes: { type: "string", default: "3200" },
  lossy: { type: "boolean", default: false },
  seconds: { type: "string", default: "25" },
  "warm-up": { type: "string", default: "5" },
  rest: { type: "string", default: "5" },
  "joins-per-second": { type: "string", default: "5" },
  cycles: { type: "string", default: "300" },
  "warm-up-cycles": { type: "string", default: "100" },
  lanes: { type: "string", default: "2" },
  knockers: { type: "string", default: "0" },
  ears: { type: "string", default: "5" },
  "phone-processes": { type: "string", default: "1" },
  phones: { type: "string", default: "native" },
  compare: { type: "string" },
  target: { type: "string" },
  pid: { type: "string" },
  "server-pid": { type: "string" },
  set: { type: "string", multiple: true },
  "no-pin": { type: "boolean", default: false },
  "late-max": { type: "string", default: "10" },
  "foreign-max": { type: "string", default: "15" },
  "load-busy-max": { type: "string", default: "95" },
  "pressure-max": { type: "string", default: "80" },
  json: { type: "string" },
  help: { type: "boolean", default: false },
} as const;

/** Undefined when help is wanted. Throws `UsageError` with one line that names the option. */
export function parseOptions(args: readonly string[]): LoadOptions | undefined {
  const { values, positionals } = parse(args);
  if (values.help) return undefined;
  const [name = "mic", ...more] = positionals;
  const mode = MODES.find((each) => each === name);
  if (!mode) throw new UsageError(`unknown mode ${JSON.stringify(name)}: one of ${MODES.join(", ")}`);
  if (more.length > 0) throw new UsageError(`one mode at a time, not also ${JSON.stringify(more[0])}`);
  const comparedWith = COMPARED.find((each) => each === values.compare);
  if (values.compare !== undefined && (!comparedWith || mode !== "mic"))
    throw new UsageError(`--compare: one of ${COMPARED.join(", ")}, and only with the mode mic`);
  const phones = (["native", "lean"] as const).find((kind) => kind === values.phones);
  if (!phones) throw new UsageError(`--phones: native or lean, not ${JSON.stringify(values.phones)}`);
  const number = (option: keyof typeof values, range: Range) => numberOf(`--${option}`, values[option], range);
  const options: LoadOptions = {
    mode,
    users: number("users", { min: 1, max: 10_000, isWhole: true }),
    packetsPerSecond: number("rate", { min: 0.1, max: 1000 }),
    packetBytes: number("bytes", { min: MARK_BYTES, max: 64_000, isWhole: true }),
    isReliable: !values.lossy,
    seconds: number("seconds", { min: 1, max: 86_400 }),
    warmUpSeconds: number("warm-up", { min: 0, max: 3600 }),
    restSeconds: number("rest", { min: 1, max: 3600 }),
    joinsPerSecond: number("joins-per-second", { min: 0.1, max: 1000 }),
    cycles: number("cycles", { min: 10, max: 1_000_000, isWhole: true }),
    warmUpCycles: number("warm-up-cycles", { min: 0, max: 1_000_000, isWhole: true }),
    lanes: number("lanes", { min: 1, max: 1000, isWhole: true }),
    knockers: number("knockers", { min: 0, max: 10_000, isWhole: true }),
    ears: number("ears", { min: 1, max: 100, isWhole: true }),
    phoneProcesses: number("phone-processes", { min: 1, max: 64, isWhole: true }),
    phones,
    isPinned: !values["no-pin"],
    comparedWith,
    target: targetOf(values.target, values.pid),
    serverPid:
      values["server-pid"] === undefined ? undefined : number("server-pid", { min: 1, max: 2 ** 22, isWhole: true }),
    bridgeEnv: Object.fromEntries((values.set ?? []).map(assignment)),
    jsonFile: values.json,
    bounds: {
      lateP99MaxMs: number("late-max", { min: 0.1, max: 10_000 }),
      foreignMaxPercent: number("foreign-max", { min: 0, max: 10_000 }),
      loadBusyMaxPercent: number("load-busy-max", { min: 1, max: 100 }),
      pressureMaxPercent: number("pressure-max", { min: 1, max: 100 }),
    },
  };
  if (mode === "replace" && options.users < 2)
    throw new UsageError("--users: replace needs 2, since user 0 is left alone");
  if (mode === "mixed" && options.users < 2)
    throw new UsageError("--users: mixed needs 2, one to speak to and one to play to");
  if (options.packetBytes % 2 === 1 && options.packetBytes < MARK_BYTES + 1)
    throw new UsageError(`--bytes: an odd packet needs ${MARK_BYTES + 1}`);
  return options;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

interface Range {
  readonly min: number;
  readonly max: number;
  readonly isWhole?: boolean;
}

function numberOf(option: string, text: unknown, { min, max, isWhole = false }: Range): number {
  const value = typeof text === "string" && text.trim() !== "" ? Number(text) : Number.NaN;
  const isFine = value >= min && value <= max && (!isWhole || Number.isInteger(value));
  if (isFine) return value;
  throw new UsageError(
    `${option}: ${isWhole ? "a whole number" : "a number"} from ${min} to ${max}, not ${JSON.stringify(text)}`,
  );
}

function targetOf(address: string | undefined, pid: string | undefined): LoadOptions["target"] {
  if (address === undefined && pid === undefined) return undefined;
  if (address === undefined || pid === undefined)
    throw new UsageError("--target and --pid go together: one says where to connect, the other what to measure");
  if (!/^(?:unix:.+|.+:\d+)$/.test(address))
    throw new UsageError(`--target: host:port, not ${JSON.stringify(address)}`);
  return { address, pid: numberOf("--pid", pid, { min: 1, max: 2 ** 22, isWhole: true }) };
}

function assignment(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw new UsageError(`--set: NAME=VALUE, not ${JSON.stringify(text)}`);
  return [text.slice(0, at), text.slice(at + 1)];
}
