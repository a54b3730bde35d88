// Which states a chart's actors have been in and which transitions they have taken, seen from outside: XState's inspection
// tells every microstep of every real actor of a system.

import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition, InspectionEvent } from "xstate";

export interface ChartCoverage {
  observe(event: InspectionEvent): void;
  /** `session: 14/14 states, 52/52 transitions`. */
  readonly summary: string;
  /** What has not been seen, each as `state --event--> target`. */
  readonly missing: string[];
}

interface MicrostepSnapshot {
  readonly machine?: AnyStateMachine;
  readonly _nodes?: readonly AnyStateNode[];
}

export function coverChart(machine: AnyStateMachine): ChartCoverage {
  const states = new Map<string, boolean>();
  const transitions = new Map<string, boolean>();
  for (const node of nodesOf(machine.root)) {
    states.set(node.id, false);
    for (const transition of transitionsOf(node)) transitions.set(nameOf(transition), false);
  }
  const missingOf = (seen: ReadonlyMap<string, boolean>) => [...seen].flatMap(([name, was]) => (was ? [] : [name]));
  const share = (seen: ReadonlyMap<string, boolean>) => `${seen.size - missingOf(seen).length}/${seen.size}`;
  return {
    observe(event) {
      if (event.type !== "@xstate.microstep") return;
      const snapshot = event.snapshot as MicrostepSnapshot;
      if (snapshot.machine?.id !== machine.id) return;
      for (const { id } of snapshot._nodes ?? []) if (states.has(id)) states.set(id, true);
      for (const transition of event._transitions) transitions.set(nameOf(transition), true);
    },
    get summary() {
      return `${machine.id}: ${share(states)} states, ${share(transitions)} transitions`;
    },
    get missing() {
      return [...missingOf(states), ...missingOf(transitions)];
    },
  };
}

function nodesOf(node: AnyStateNode): AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap(nodesOf)];
}

/** With those that time takes, those that wait for children and those that are taken at once. */
function transitionsOf(node: AnyStateNode): AnyTransitionDefinition[] {
  return [...[...node.transitions.values()].flat(), ...(node.always ?? [])];
}

/** Copies of a machine with other parts have other transition objects; source, event and rank stay. */
function nameOf(transition: AnyTransitionDefinition): string {
  const { source, eventType, target } = transition;
  const siblings = transitionsOf(source).filter((other) => other.eventType === eventType);
  const rank = siblings.length > 1 ? ` (${siblings.indexOf(transition) + 1} of ${siblings.length})` : "";
  const targets = target?.map(({ id }) => id).join(", ") ?? "nowhere";
  return `${source.id} --${eventType || "at once"}${rank}--> ${targets}`;
}
