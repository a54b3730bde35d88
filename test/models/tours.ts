// Walks through everything that can happen to one user, found from the model alone: each tour starts with a new bridge and
// takes, again and again, the shortest way to a step that has not been taken from the state it leaves.

import { BridgeModel } from "./bridge-model.js";
import type { SessionModel } from "./session-model.js";
import type { Step } from "./step.js";

export interface TourPlan {
  readonly limits: { readonly sessionsMax: number; readonly playbacksMax: number };
  readonly steps: readonly Step[];
  /** What is done while an old session still leaves beside a new one: few things, since the states multiply. */
  readonly stepsBesideOld: readonly Step[];
  readonly stepsPerTourMax: number;
}

export interface Tours {
  readonly tours: readonly (readonly Step[])[];
  /** States of the model, and pairs of a state and a step that can be taken from it. */
  readonly states: number;
  readonly pairs: number;
}

interface Place {
  readonly key: string;
  /** The shortest way here from the beginning. */
  readonly way: readonly Step[];
  readonly next: Map<Step, string>;
}

export function planTours(plan: TourPlan): Tours {
  const places = explore(plan);
  const open = new Map([...places].map(([key, { next }]) => [key, new Set(next.keys())]));
  const pairs = [...open.values()].reduce((sum, steps) => sum + steps.size, 0);
  const tours: Step[][] = [];
  for (let tour = nextTour(plan, places, open); tour.length > 0; tour = nextTour(plan, places, open)) tours.push(tour);
  return { tours, states: places.size, pairs };
}

function explore(plan: TourPlan): Map<string, Place> {
  const start = { key: keyOf(new BridgeModel(plan.limits)), way: [], next: new Map<Step, string>() };
  const places = new Map<string, Place>([[start.key, start]]);
  for (const place of places.values()) {
    for (const step of possibleSteps(plan, replay(plan, place.way))) {
      const way = [...place.way, step];
      const key = keyOf(replay(plan, way));
      place.next.set(step, key);
      if (!places.has(key)) places.set(key, { key, way, next: new Map() });
    }
  }
  return places;
}

function nextTour(plan: TourPlan, places: Map<string, Place>, open: Map<string, Set<Step>>): Step[] {
  const model = new BridgeModel(plan.limits);
  const tour: Step[] = [];
  let way: Step[] = [];
  let lastFresh = 0;
  while (tour.length < plan.stepsPerTourMax) {
    const key = keyOf(model);
    const possible = possibleSteps(plan, model);
    const fresh = [...(open.get(key) ?? [])].find((one) => possible.includes(one));
    if (fresh) way = [];
    else if (way.length === 0) way = wayToOpen(places, open, key);
    const step = fresh ?? way.shift();
    if (!step || !possible.includes(step)) break;
    step.apply(model);
    tour.push(step);
    if (open.get(key)?.delete(step) === true) lastFresh = tour.length;
  }
  // What came after the last new step shows nothing new.
  return tour.slice(0, lastFresh);
}

/** The shortest way to a place with a step that has not been taken. */
function wayToOpen(places: Map<string, Place>, open: Map<string, Set<Step>>, from: string): Step[] {
  const cameBy = new Map<string, { readonly step: Step; readonly from: string } | undefined>([[from, undefined]]);
  for (const key of cameBy.keys()) {
    if ((open.get(key)?.size ?? 0) > 0 && key !== from) {
      const way: Step[] = [];
      for (let last = cameBy.get(key); last; last = cameBy.get(last.from)) way.unshift(last.step);
      return way;
    }
    for (const [step, next] of places.get(key)?.next ?? []) {
      if (!cameBy.has(next)) cameBy.set(next, { step, from: key });
    }
  }
  return [];
}

function possibleSteps({ steps, stepsBesideOld }: TourPlan, model: BridgeModel): readonly Step[] {
  if (model.mode === "drained") return [];
  const alive = model.sessions.filter(isAlive).length;
  return (alive > 1 ? stepsBesideOld : steps).filter((step) => step.isPossible(model));
}

function replay({ limits }: TourPlan, way: readonly Step[]): BridgeModel {
  const model = new BridgeModel(limits);
  for (const step of way) step.apply(model);
  return model;
}

const isAlive = ({ phase, room }: SessionModel) => phase !== "over" || room === "pending" || room === "leaving";

/** What tells two states apart for a test: everything but the time and the numbers. */
function keyOf(model: BridgeModel): string {
  const { mode, holds, hangs, nextDeadline, sessions, disconnects } = model;
  const alive = sessions
    .filter(isAlive)
    .map(({ phase, room, isLate, reason, outage, playbacks, stream, leaveReply }) => {
      const way = outage && (outage.isLost ? "lost" : "regained");
      const sounds = playbacks.map(({ isOpen, hasBegun }) => [isOpen, hasBegun]);
      const peer = stream && [Math.min(stream.heartbeats, 2), stream.isTaking, stream.pending, stream.early];
      return [phase, room, isLate, reason === "drain", way, sounds, peer, leaveReply?.answer ?? leaveReply];
    });
  return JSON.stringify([mode, holds.size, hangs.size, nextDeadline, alive, disconnects.size]);
}
