// Tables under the diagram: what a diagram has no room for.

import type { Chart } from "./charts.js";
import type { Kind } from "./chart-names.js";
import { implementationsOf, KINDS, namesInUse } from "./chart-names.js";
import type { ChartState } from "./chart-shape.js";
import { flatten, nameOf, readChart } from "./chart-shape.js";
import { readDelayDefaults } from "./delay-defaults.js";

export function printTables(chart: Chart): string {
  const states = flatten(readChart(chart.machine));
  return [
    "## States",
    table(["state", "kind", "what it is", "entry", "exit", "runs"], states.map(stateRow)),
    "## Transitions",
    "A transition without a target stays where it is and only acts. Several rows for one event are tried from the top.",
    table(["in state", "event", "guard", "to", "actions"], states.flatMap(transitionRows)),
    ...KINDS.flatMap((kind) => nameSection(chart, kind)),
  ].join("\n\n");
}

function stateRow(state: ChartState): string[] {
  const { path, type, description, tags, entry, exit, invokes, initial } = state;
  const kind = tags.length > 0 ? `${kindOf(type, initial)}, tag ${codes(tags)}` : kindOf(type, initial);
  const runs = invokes.map(({ id, src, input }) => {
    const given = input === undefined ? "" : `, input by ${code(input)}`;
    return `${code(src)} as ${code(id)}${given}`;
  });
  return [code(path), kind, description, codes(entry), codes(exit), runs.join("; ")];
}

function kindOf(type: ChartState["type"], initial: string | undefined): string {
  if (type === "parallel") return "all of its states at once";
  return initial === undefined ? type : `starts in ${code(initial.split(".").at(-1) ?? "")}`;
}

function transitionRows({ transitions }: ChartState): string[][] {
  return transitions.map(({ source, event, guard, targets, actions, reenter }) => {
    const target = reenter ? `${codes(targets)} (entered anew)` : codes(targets);
    return [code(source), code(event), guard === undefined ? "" : code(guard), target, codes(actions)];
  });
}

function nameSection(chart: Chart, kind: Kind): string[] {
  const used = namesInUse(chart.machine)[kind];
  const names = Object.keys(implementationsOf(chart.machine)[kind]).toSorted();
  const title = `## ${kind[0]?.toUpperCase()}${kind.slice(1)}`;
  if (names.length === 0) return [title, "None."];
  const places = (name: string) => codes(used.get(name) ?? []);
  if (kind === "actions") {
    const implementations = chart.machine.implementations.actions;
    const rows = names.map((name) => [code(name), effectOf(implementations[name]), places(name)]);
    return [title, table(["action", "effect", "used in"], rows)];
  }
  if (kind !== "delays")
    return [
      title,
      table(
        [kind.slice(0, -1), "used in"],
        names.map((name) => [code(name), places(name)]),
      ),
    ];
  const defaults = readDelayDefaults(chart);
  const rows = names.map((name) => {
    const { ms, settings } = defaults.get(name) ?? { ms: undefined, settings: [] };
    return [code(name), ms === undefined ? "computed" : String(ms), codes(settings), places(name)];
  });
  return [title, table(["delay", "default (ms)", "set by", "used in"], rows)];
}

/** What XState's built-in actions say of themselves. */
interface BuiltInAction {
  readonly type?: string;
  readonly to?: unknown;
  readonly event?: unknown;
}

function effectOf(action: unknown): string {
  if (typeof action !== "function") return "";
  const { type, to, event } = action as BuiltInAction;
  if (type === "xstate.assign") return "changes the context";
  if (type === "xstate.sendTo" && typeof to === "string") return `sends ${code(nameOf(event))} to ${code(to)}`;
  if (type === "xstate.enqueueActions") return "several actions";
  return type === undefined ? "calls a port or the observer" : code(type);
}

function code(text: string): string {
  return `\`${text}\``;
}

function codes(texts: readonly string[]): string {
  return texts.map(code).join(", ");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
