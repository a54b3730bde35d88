// What makes a chart unreadable once it is exported: functions without a name, states without a description, names that
// nobody implements and implementations that nobody uses.

import type { Chart } from "./charts.js";
import { implementationsOf, KINDS, namesInUse } from "./chart-names.js";
import { flatten, readChart } from "./chart-shape.js";

/** Functions may stand here, by a name of their own: they shape data, and the chart is the same without them. */
const MAPPERS: ReadonlySet<string> = new Set(["context", "input", "output"]);

export function findProblems({ name, machine }: Pick<Chart, "name" | "machine">): string[] {
  const problems = [...inlineProblems(machine.config, []), ...stateProblems(machine), ...nameProblems(machine)];
  return problems.map((problem) => `${name}: ${problem}`);
}

function inlineProblems(value: unknown, path: readonly string[]): string[] {
  const key = path.at(-1) ?? "";
  const where = path.join(".");
  if (typeof value === "function") {
    const isNamed = value.name !== "" && value.name !== key;
    return MAPPERS.has(key) && isNamed ? [] : [`${where} is an inline function; give it a name in setup()`];
  }
  if (typeof value !== "object" || value === null) return [];
  if (path.length > 0 && isLogic(value)) return [`${where} is an inline actor; give it a name in setup()`];
  return Object.entries(value).flatMap(([each, inner]) => {
    const isNumber = key === "after" && /^\d+$/.test(each);
    const problems = inlineProblems(inner, [...path, each]);
    return isNumber ? [`${where}.${each} is an inline delay; give it a name in setup()`, ...problems] : problems;
  });
}

function isLogic(value: object): boolean {
  return "transition" in value && "getInitialSnapshot" in value;
}

function stateProblems(machine: Chart["machine"]): string[] {
  return flatten(readChart(machine)).flatMap(({ path, description }) => {
    if (description.trim() === "") return [`${path} has no description`];
    return description.includes("\n") ? [`${path} has a description of more than one line`] : [];
  });
}

function nameProblems(machine: Chart["machine"]): string[] {
  const used = namesInUse(machine);
  const implemented = implementationsOf(machine);
  return KINDS.flatMap((kind) => {
    const names = Object.keys(implemented[kind]);
    const missing = [...used[kind]].filter(([name]) => !names.includes(name));
    return [
      ...missing.map(([name, places]) => `${kind}: ${name} is used by ${places.join(", ")} but not implemented`),
      ...names.filter((name) => !used[kind].has(name)).map((name) => `${kind}: ${name} is implemented but not used`),
    ];
  });
}
