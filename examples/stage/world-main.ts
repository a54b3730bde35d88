// The process of the world: answers what it is asked over its channel, and ends with it, so that it outlives nobody.

import type { Answer, Question } from "./messages.js";
import { PARENT_VARIABLE, READY_ID, SETTINGS_VARIABLE } from "./messages.js";
import type { WorldSettings } from "./world.js";
import { openWorld } from "./world.js";

/** A Ctrl-C in a terminal reaches every process of it. The one that stays decides. */
process.on("SIGINT", () => {});
process.on("disconnect", () => process.exit());
// The channel alone would not do: it may have ended while this was being compiled, or be held open by another process.
setInterval(() => {
  if (String(process.ppid) !== process.env[PARENT_VARIABLE]) process.exit();
}, 500).unref();

const world = await openWorld(JSON.parse(process.env[SETTINGS_VARIABLE] ?? "{}") as WorldSettings);
process.on("message", (question: Question) => void answer(question));
tell({ id: READY_ID });

async function answer({ id, what, about }: Question): Promise<void> {
  const ask = world[what] as (...about: readonly (string | number)[]) => Promise<unknown>;
  try {
    tell({ id, value: await ask(...about) });
  } catch (error) {
    tell({ id, error: error instanceof Error ? error.message : String(error) });
  }
}

function tell(message: Answer): void {
  process.send?.(message, undefined, {}, () => {});
}
