// Breaks one named part of the session machine or of its playbacks', for one user and only while it is switched on:
// everybody else, and that user afterwards, runs the machines as they are.

import type { AnyStateMachine, EventObject } from "xstate";
import { fromCallback } from "xstate";
import { playbackMachine } from "../../src/machines/playback.js";
import { sessionMachine } from "../../src/machines/session.js";
import type { SessionLogic } from "./rig.js";

export type MachineName = "session" | "playback";
export type PartKind = "actions" | "guards" | "delays" | "actors";
export type NamedPart = readonly [MachineName, PartKind, string];

export interface Sabotage {
  /** How often the broken part has thrown. */
  throws: number;
  isOn: boolean;
  readonly apply: (healthy: SessionLogic) => SessionLogic;
}

const MACHINES: Readonly<Record<MachineName, AnyStateMachine>> = { session: sessionMachine, playback: playbackMachine };
const KINDS = ["actions", "guards", "delays", "actors"] as const;

/** Every part that the machine's setup names. */
export function namedParts(machine: MachineName): readonly NamedPart[] {
  return KINDS.flatMap((kind) =>
    Object.keys(MACHINES[machine].implementations[kind]).map((name) => [machine, kind, name] as const),
  );
}

export function sabotage(victim: string, [machine, kind, name]: NamedPart): Sabotage {
  const state: Sabotage = { throws: 0, isOn: true, apply: (healthy) => delegate(healthy, breakPart(healthy)) };
  const fail = (): never => {
    state.throws += 1;
    throw new Error(`${name} is broken`);
  };
  const breakPart = (healthy: SessionLogic): SessionLogic => {
    const part = { [kind]: { [name]: kind === "actors" ? fromCallback<EventObject>(fail) : fail } };
    if (machine === "session") return healthy.provide(part);
    const playback = healthy.implementations.actors["playback"] as typeof playbackMachine;
    return healthy.provide({ actors: { playback: playback.provide(part) } });
  };
  /** One logic that begins each session with the machine that is meant for its user, and goes on with that one. */
  const delegate = (healthy: SessionLogic, broken: SessionLogic): SessionLogic => {
    const logic = Object.create(healthy) as SessionLogic;
    logic.getInitialSnapshot = (scope, input) => {
      const isVictim = state.isOn && input?.request.userId === victim;
      return (isVictim ? broken : healthy).getInitialSnapshot(scope, input);
    };
    logic.transition = (snapshot, event, scope) =>
      (snapshot.machine as SessionLogic).transition(snapshot, event, scope);
    return logic;
  };
  return state;
}
