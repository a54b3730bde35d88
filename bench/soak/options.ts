import { parseArgs } from "node:util";
import type { LoadOptions } from "../load/options.js";
import { parseOptions, UsageError } from "../load/options.js";

export interface SoakOptions {
  readonly minutes: number;
  /** Everything before counts as warm-up: the first joins, plays and faults of their kind. */
  readonly warmUpMinutes: number;
  readonly sampleEverySeconds: number;
  readonly jsonFile: string | undefined;
  /** Which bound of the heap's growth decides: `lower` fails only what certainly grows, as a short run can tell. */
  readonly decidingBound: "upper" | "lower";
  readonly load: LoadOptions;
}

export const USAGE = `npm run soak -- [OPTIONS]

  --minutes N      measured time (60)
  --warm-up N      minutes of the same before it (3)
  --users N        users who speak all the time (10)
  --sample N       seconds between two looks at the bridge (30)
  --bound B        upper: the heap must certainly not grow; lower: it must not certainly grow, for short runs (upper)
  --no-pin         do not give the bridge a core of its own
  --set NAME=VALUE environment of the bridge, repeatable
  --json FILE      write the figures there as well

Exit codes: 0 the heap grows by no more than the limit, 1 it grows or something failed, 2 wrong arguments.`;

export function parseSoakOptions(args: readonly string[], inspectorPort: number): SoakOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: "string", default: "60" },
      "warm-up": { type: "string", default: "3" },
      users: { type: "string", default: "10" },
      sample: { type: "string", default: "30" },
      "no-pin": { type: "boolean", default: false },
      bound: { type: "string", default: "upper" },
      set: { type: "string", multiple: true },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const number = (name: "minutes" | "warm-up" | "sample", min: number) => {
    const value = Number(values[name]);
    if (!(value >= min)) throw new UsageError(`--${name}: a number of at least ${min}, not "${values[name]}"`);
    return value;
  };
  const inspect = `NODE_OPTIONS=--inspect=127.0.0.1:${inspectorPort}`;
  const pinned = values["no-pin"] ? ["--no-pin"] : [];
  const sets = [inspect, ...(values.set ?? [])].flatMap((assignment) => ["--set", assignment]);
  const load = parseOptions(["mixed", "--users", values.users, "--phones", "lean", ...sets, ...pinned]);
  if (!load) return undefined;
  const decidingBound = (["upper", "lower"] as const).find((bound) => bound === values.bound);
  if (!decidingBound) throw new UsageError(`--bound: upper or lower, not "${values.bound}"`);
  return {
    decidingBound,
    minutes: number("minutes", 1),
    warmUpMinutes: number("warm-up", 0),
    sampleEverySeconds: number("sample", 1),
    jsonFile: values.json,
    load,
  };
}
