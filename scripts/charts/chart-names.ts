// The names a chart uses and those that setup() implements. An action can use names too: one that spawns an actor, say,
// or that enqueues another. XState keeps those in the action's code, so the code is read for them.

import type { AnyStateMachine } from "xstate";
import { flatten, listOf, nameOf, readChart } from "./chart-shape.js";

export const KINDS = ["guards", "actions", "delays", "actors"] as const;
export type Kind = (typeof KINDS)[number];

/** For each name, where it is used. */
export type NamesInUse = Readonly<Record<Kind, ReadonlyMap<string, readonly string[]>>>;

interface Use {
  readonly kind: Kind;
  readonly name: string;
  readonly where: string;
}

export function implementationsOf(machine: AnyStateMachine): Readonly<Record<Kind, Readonly<Record<string, unknown>>>> {
  const { guards, actions, delays, actors } = machine.implementations;
  return { guards, actions, delays, actors };
}

export function namesInUse(machine: AnyStateMachine): NamesInUse {
  const found: Record<Kind, Map<string, string[]>> = {
    guards: new Map(),
    actions: new Map(),
    delays: new Map(),
    actors: new Map(),
  };
  const implementations = implementationsOf(machine);
  const waiting = usesInConfig(machine);
  for (let use = waiting.shift(); use !== undefined; use = waiting.shift()) {
    const { kind, name, where } = use;
    const places = found[kind].get(name);
    if (places) {
      if (!places.includes(where)) places.push(where);
      continue;
    }
    found[kind].set(name, [where]);
    const implementation = implementations[kind][name];
    if (kind === "actions") waiting.push(...usesInAction(name, implementation));
    if (kind === "guards") waiting.push(...usesInGuard(name, implementation));
  }
  return found;
}

function usesInConfig(machine: AnyStateMachine): Use[] {
  const uses: Use[] = [];
  for (const { path, entry, exit, invokes, transitions } of flatten(readChart(machine))) {
    const use = (kind: Kind, label: string) => uses.push({ kind, name: label.replace(/ \(.*$/s, ""), where: path });
    for (const action of [...entry, ...exit]) use("actions", action);
    for (const { src } of invokes) use("actors", src);
    for (const { event, guard, actions } of transitions) {
      if (guard !== undefined) use("guards", guard);
      for (const action of actions) use("actions", action);
      if (event.startsWith("after ")) use("delays", event.slice("after ".length));
    }
  }
  return uses;
}

const CALLS: readonly (readonly [Kind, RegExp])[] = [
  ["actors", /\bspawn(?:Child)?\(\s*["'`]([\w.]+)["'`]/g],
  ["actions", /\benqueue\(\s*(?:\{\s*type:\s*)?["'`]([\w.]+)["'`]/g],
  ["guards", /\bcheck\(\s*(?:\{\s*type:\s*)?["'`]([\w.]+)["'`]/g],
  ["delays", /\bdelay:\s*["'`]([\w.]+)["'`]/g],
];

/** What XState keeps on the function that `enqueueActions`, `assign`, `spawnChild`, `sendTo` and `raise` return. */
interface BuiltInAction {
  readonly collect?: unknown;
  readonly assignment?: unknown;
  readonly src?: unknown;
  readonly delay?: unknown;
}

function usesInAction(action: string, implementation: unknown): Use[] {
  if (typeof implementation !== "function") return [];
  const { collect, assignment, src, delay } = implementation as BuiltInAction;
  const where = `action ${action}`;
  const uses: Use[] = [];
  if (typeof src === "string") uses.push({ kind: "actors", name: src, where });
  if (typeof delay === "string") uses.push({ kind: "delays", name: delay, where });
  const code = [collect, assignment].map((each) => (typeof each === "function" ? each.toString() : "")).join("");
  for (const [kind, call] of CALLS) {
    for (const [, name = ""] of code.matchAll(call)) uses.push({ kind, name, where });
  }
  return uses;
}

/** `and`, `or` and `not` keep the guards that they combine. */
function usesInGuard(guard: string, implementation: unknown): Use[] {
  if (typeof implementation !== "function") return [];
  const { guards } = implementation as { readonly guards?: unknown };
  return listOf(guards).map((each) => ({ kind: "guards", name: nameOf(each), where: `guard ${guard}` }));
}
