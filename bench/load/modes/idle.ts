// idle: everybody has joined and nobody speaks.

import { loadFigures } from "../load-figures.js";
import { observe } from "../observe.js";
import type { Report } from "../report.js";
import type { Stage } from "../stage.js";
import { joinPhones, joinUsers, pause } from "../steps.js";

export async function runIdle(stage: Stage): Promise<Report> {
  const { options, bridge } = stage;
  await joinPhones(stage);
  const { joins, rest } = await joinUsers(stage);
  const before = await bridge.health.read();
  const { seen } = await observe(stage, () => pause(options.seconds * 1000));
  const after = await bridge.health.read();
  const health = { healthBefore: before.numbers, healthAfter: after.numbers };
  return { joins, rest, load: loadFigures({ seen, role: "bridge", ...health }) };
}
