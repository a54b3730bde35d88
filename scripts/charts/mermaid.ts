// A chart as a Mermaid state diagram, within what Mermaid can draw. Transitions come after all boxes, because one that is
// written inside a box pulls both its ends into it. The title of a box has room for a name only, so what a box does and
// takes as a whole stands in a dashed leaf inside it.

import type { ChartState, ChartTransition } from "./chart-shape.js";
import { flatten } from "./chart-shape.js";

export function printMermaid(root: ChartState): string {
  const states = flatten(root);
  const lines = ["stateDiagram-v2", ...printState(root, "  "), ...printMoves(states)];
  lines.push("  classDef throughout fill:transparent,stroke-dasharray:4");
  for (const state of states) if (hasWhole(state)) lines.push(`  class ${wholeOf(state)} throughout`);
  return `${lines.join("\n")}\n`;
}

function printState(state: ChartState, indent: string): string[] {
  if (state.states.length === 0) return printLeaf(idOf(state.path), state.key, notesOf(state), indent);
  const inner = `${indent}  `;
  const lines = [`${indent}state "${escape(state.key)}" as ${idOf(state.path)} {`];
  const parts = state.states.map((child) => printState(child, inner));
  if (hasWhole(state)) parts.unshift(printLeaf(wholeOf(state), "throughout", notesOf(state), inner));
  if (state.initial !== undefined) lines.push(`${inner}[*] --> ${idOf(state.initial)}`);
  for (const [index, part] of parts.entries()) {
    if (state.type === "parallel" && index > 0) lines.push(`${inner}--`);
    lines.push(...part);
  }
  for (const child of state.states) if (child.type === "final") lines.push(`${inner}${idOf(child.path)} --> [*]`);
  return [...lines, `${indent}}`];
}

function printLeaf(id: string, title: string, notes: readonly string[], indent: string): string[] {
  return [`${indent}state "${escape(title)}" as ${id}`, ...notes.map((note) => `${indent}${id} : ${note}`)];
}

function hasWhole(state: ChartState): boolean {
  return state.states.length > 0 && notesOf(state).length > 0;
}

function wholeOf(state: ChartState): string {
  return `${idOf(state.path)}_throughout`;
}

/** What stands inside the box: what the state does when entered and left, what it runs, what it takes without leaving. */
function notesOf({ entry, exit, invokes, transitions }: ChartState): string[] {
  const notes = [
    ...entry.map((action) => `entry / ${action}`),
    ...exit.map((action) => `exit / ${action}`),
    ...invokes.map(({ id, src }) => `invoke ${src} as ${id}`),
    ...transitions.filter((transition) => isInside(transition)).map(labelOfInside),
  ];
  return notes.map(escape);
}

/** Stays where it is, or leads from a box to something in the box, which Mermaid cannot draw. */
function isInside({ source, targets }: ChartTransition): boolean {
  return targets.every((target) => target.startsWith(`${source}.`));
}

function labelOfInside(transition: ChartTransition): string {
  const arrows = transition.targets.map((target) => ` → ${target.split(".").at(-1)}`);
  return `${labelOf(transition)}${arrows.join("")}`;
}

/** One arrow for all transitions between the same two states, since the labels of several would cover each other. */
function printMoves(states: readonly ChartState[]): string[] {
  const labels = new Map<string, string[]>();
  for (const transition of states.flatMap(({ transitions }) => transitions)) {
    if (isInside(transition)) continue;
    for (const target of transition.targets) {
      const arrow = `${idOf(transition.source)} --> ${idOf(target)}`;
      labels.set(arrow, [...(labels.get(arrow) ?? []), escape(labelOf(transition))]);
    }
  }
  return [...labels].map(([arrow, all]) => `  ${arrow} : ${bulletsOf(all)}`);
}

/** Mermaid wraps long labels: bullets show where each begins. */
function bulletsOf(labels: readonly string[]): string {
  return labels.length === 1 ? labels.join() : labels.map((label) => `• ${label}`).join("<br>");
}

function labelOf({ event, guard, actions, reenter }: ChartTransition): string {
  const words = [shortEvent(event)];
  if (guard !== undefined) words.push(`[${guard}]`);
  if (reenter) words.push("(reenter)");
  if (actions.length > 0) words.push(`/ ${actions.map(shortAction).join(", ")}`);
  return words.join(" ");
}

function shortEvent(event: string): string {
  return event.replace(/^xstate\.(done|error)\.actor\./, "$1 of ").replace(/^xstate\.done\.state\..*$/, "done");
}

/** Parameters are in the table below the diagram; the first value is enough to tell two transitions apart. */
function shortAction(action: string): string {
  return action.replace(/ \(\w+: ([^,)]*).*$/s, "($1)");
}

function idOf(path: string): string {
  return path.replaceAll(/\W/g, "_");
}

/** Characters that Mermaid's grammar or HTML would take for something else, as Mermaid's own entities. */
function escape(text: string): string {
  return text.replaceAll(/["#;<>{}%\\`]/g, (character) => `#${character.charCodeAt(0)};`);
}
