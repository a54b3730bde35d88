// What each delay is when nothing is configured, and which setting moves it: found by moving one setting at a time.

import { configSchema, readConfig } from "../../src/config.js";
import type { Config } from "../../src/config.js";
import { implementationsOf } from "./chart-names.js";
import type { Chart } from "./charts.js";

export interface DelayDefault {
  /** Undefined when the delay depends on more than the limits. */
  readonly ms: number | undefined;
  readonly settings: readonly string[];
}

export function readDelayDefaults(chart: Chart): ReadonlyMap<string, DelayDefault> {
  const defaults = readConfig({});
  const moved = Object.keys(configSchema.shape).flatMap((setting) => {
    const config = withSettingMoved(defaults, setting);
    return config ? [{ setting, config }] : [];
  });
  const { delays } = implementationsOf(chart.machine);
  return new Map(
    Object.entries(delays).map(([name, delay]) => {
      const ms = evaluate(delay, chart.limits(defaults));
      const settings = moved.filter(({ config }) => evaluate(delay, chart.limits(config)) !== ms);
      return [name, { ms, settings: settings.map(({ setting }) => setting) }];
    }),
  );
}

function withSettingMoved(defaults: Config, setting: string): Config | undefined {
  const value: unknown = Object.entries(defaults).find(([name]) => name === setting)?.[1];
  if (typeof value !== "number") return undefined;
  try {
    return readConfig({ [setting]: String(value + 1) });
  } catch {
    // The default is the most that the setting may be.
    return undefined;
  }
}

function evaluate(delay: unknown, limits: object): number | undefined {
  if (typeof delay === "number") return delay;
  if (typeof delay !== "function") return undefined;
  try {
    const ms: unknown = delay({ context: { limits } });
    return typeof ms === "number" ? ms : undefined;
  } catch {
    return undefined;
  }
}
