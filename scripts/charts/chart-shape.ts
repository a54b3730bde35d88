// A machine as the generated files tell it: its states and transitions as lists, with every name spelt out.

import type { AnyStateMachine, AnyStateNode } from "xstate";

export interface ChartInvoke {
  readonly id: string;
  readonly src: string;
  /** Name of the function that makes the input. */
  readonly input: string | undefined;
}

export interface ChartState {
  /** `session.active.joining`; unique, and unchanged when a state has an id of its own. */
  readonly path: string;
  readonly key: string;
  readonly type: AnyStateNode["type"];
  readonly description: string;
  readonly tags: readonly string[];
  readonly entry: readonly string[];
  readonly exit: readonly string[];
  readonly invokes: readonly ChartInvoke[];
  /** Path of the state that is entered first, of a state that has states. */
  readonly initial: string | undefined;
  readonly states: readonly ChartState[];
  readonly transitions: readonly ChartTransition[];
}

export interface ChartTransition {
  readonly source: string;
  /** An event's type, `after <delay>` or `always`. */
  readonly event: string;
  readonly guard: string | undefined;
  /** Paths; empty for a transition that stays where it is. */
  readonly targets: readonly string[];
  readonly actions: readonly string[];
  readonly reenter: boolean;
}

/** What XState keeps of a transition; its own type leaves the names open. */
interface KnownTransition {
  readonly target: readonly AnyStateNode[] | undefined;
  readonly guard: unknown;
  readonly actions: readonly unknown[];
  readonly reenter: boolean;
}

export function readChart(machine: AnyStateMachine): ChartState {
  return readState(machine.root);
}

export function flatten(state: ChartState): ChartState[] {
  return [state, ...state.states.flatMap(flatten)];
}

function readState(node: AnyStateNode): ChartState {
  const initial: readonly AnyStateNode[] = node.type === "compound" ? (node.initial.target ?? []) : [];
  return {
    path: pathOf(node),
    key: node.key,
    type: node.type,
    description: node.description ?? "",
    tags: node.tags,
    // `node.entry` and `node.exit` also hold the timers that XState adds for each `after`.
    entry: listOf(node.config.entry).map(labelOf),
    exit: listOf(node.config.exit).map(labelOf),
    invokes: listOf(node.config.invoke).map(readInvoke),
    initial: initial[0] && pathOf(initial[0]),
    states: Object.values(node.states).map(readState),
    transitions: readTransitions(node),
  };
}

function readInvoke(given: unknown): ChartInvoke {
  const { id, src, input } = given as { id?: string; src: unknown; input?: unknown };
  return { id: id ?? "", src: nameOf(src), input: input === undefined ? undefined : nameOf(input) };
}

function readTransitions(node: AnyStateNode): ChartTransition[] {
  const found: ChartTransition[] = [];
  const add = (event: string, transition: unknown) => {
    const { target, guard, actions, reenter } = transition as KnownTransition;
    found.push({
      source: pathOf(node),
      event,
      guard: guard === undefined ? undefined : labelOf(guard),
      targets: (target ?? []).map(pathOf),
      actions: actions.map(labelOf),
      reenter,
    });
  };
  for (const [type, transitions] of node.transitions) {
    if (type.startsWith("xstate.after.")) continue;
    for (const transition of transitions) add(type, transition);
  }
  for (const transition of node.always ?? []) add("always", transition);
  for (const transition of node.after) add(`after ${nameOf(transition.delay)}`, transition);
  return found;
}

function pathOf(node: AnyStateNode): string {
  return [node.machine.root.key, ...node.path].join(".");
}

export function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** The name of a guard, action, actor or delay, however it is written. */
export function nameOf(value: unknown): string {
  if (typeof value === "function") return value.name;
  if (typeof value === "object" && value !== null && "type" in value) return String(value.type);
  return String(value);
}

/** Name and parameters: `setEnd (reason: zombie, message: no stream attached)`. */
function labelOf(value: unknown): string {
  const params = typeof value === "object" && value !== null && "params" in value ? value.params : undefined;
  if (typeof params !== "object" || params === null) return nameOf(value);
  const pairs = Object.entries(params).map(([key, each]) => `${key}: ${String(each)}`);
  return `${nameOf(value)} (${pairs.join(", ")})`;
}
