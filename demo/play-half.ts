// One step of the tour: a tune is played into the room while the microphone goes on, and stopped half-way.

import { eventually } from "../test/support/eventually.js";
import { audibleMs } from "../test/support/tone.js";
import type { Cloud, Listening } from "./cloud.js";
import { MELODY_MS, serveMelody } from "./melody.js";
import type { Phone } from "./phone.js";
import type { Scene } from "./scene.js";
import { demandWhole, pause } from "./steps.js";
import { demand } from "./verdicts.js";
import type { Measured } from "./verdicts.js";

const TRACK = { id: 1, name: "app_audio" };
/** What a real room's jitter buffer may add or take. */
const TOLERANCE_MS = 300;

export async function playHalf(
  scene: Scene,
  cloud: Cloud,
  listening: Listening,
  phone: Phone,
): Promise<Measured<void>> {
  scene.begin(`The cloud plays a tune of ${MELODY_MS / 1000} s from a URL, and stops it half-way`);
  const { url, server } = await serveMelody();
  scene.closeLater(() => server.close());
  const startMs = performance.now();
  const play = cloud.play(url, TRACK.id);
  await eventually("its beginning is heard", () => heardMs(phone) > 0);
  const soundMs = performance.now() - startMs;
  await eventually("its middle is reached", () =>
    play.events.some((event) => Number(event.position_ms) >= MELODY_MS / 2),
  );
  const stopped = await cloud.stop("the demo has heard enough");
  const status = await play.ended;
  await pause(TOLERANCE_MS);
  const lengthMs = heardMs(phone);
  await pause(TOLERANCE_MS);
  demand(heardMs(phone) === lengthMs, "it plays on after it was stopped");
  const events = play.types();
  demand(events.startsWith("STARTED PROGRESS") && events.endsWith("FAILED"), `its events were ${events}`);
  demand(stopped === play.events[0]?.request_id, `StopAudio stopped "${stopped}"`);
  demand(status.details === "stopped: the demo has heard enough", `it ended with "${status.details}"`);
  demand(Math.abs(lengthMs - MELODY_MS / 2) < TOLERANCE_MS, `heard for ${lengthMs} ms instead of ${MELODY_MS / 2} ms`);
  demandWhole(listening.reception);
  const progress = play.events.filter(({ type }) => type === "PROGRESS").length;
  scene.tell(`events: started, ${progress} × progress, failed ("${status.details}")`);
  const detail = `first sound after ${soundMs.toFixed(0)} ms, heard for ${lengthMs} of ${MELODY_MS} ms, microphone unharmed`;
  scene.tell(detail);
  return { detail, value: undefined };
}

function heardMs(phone: Phone): number {
  return audibleMs(Int16Array.from(phone.heard(TRACK.name).flatMap((frame) => [...frame])), 0.02);
}
