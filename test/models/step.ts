// One thing that can happen to a bridge, done to the real actors and to the model.

import type { BridgeModel } from "./bridge-model.js";
import type { World } from "./world.js";

export interface Step {
  readonly name: string;
  isPossible(model: BridgeModel): boolean;
  /** Does it to the real actors. The model has not heard of it yet. */
  act(world: World, model: BridgeModel): unknown;
  apply(model: BridgeModel): void;
  /** In place of both, for steps that look in between. */
  run?(world: World, model: BridgeModel): Promise<void>;
}

/** Runs one step on both and compares them. */
export async function runStep(step: Step, model: BridgeModel, world: World): Promise<void> {
  if (step.run) {
    await step.run(world, model);
  } else {
    await step.act(world, model);
    await world.rig.settle();
    step.apply(model);
  }
  world.compare(model);
}

export const isServing = (model: BridgeModel): boolean => model.mode !== "drained";
export const sessionOf = (model: BridgeModel, user: string) => model.current.get(user);
export const isLive = (model: BridgeModel, user: string): boolean => sessionOf(model, user)?.phase === "live";
