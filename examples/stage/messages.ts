// What the stage and its world tell each other.

import type { World } from "./world.js";

export interface Question {
  readonly id: number;
  readonly what: keyof World;
  readonly about: readonly (string | number)[];
}

export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** The id of the first message: the world is there. */
export const READY_ID = 0;

/** The environment variable that holds the world's settings. */
export const SETTINGS_VARIABLE = "EXAMPLE_STAGE";

/** The environment variable that holds the id of the process whose world it is. */
export const PARENT_VARIABLE = "EXAMPLE_STAGE_PARENT";
