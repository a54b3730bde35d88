// Playbacks of the real actors next to those of the model, and what must hold of them whatever has happened.

import type { BridgeModel } from "./bridge-model.js";
import { FakePlaybackPort } from "./playback-ports.js";
import type { Rig } from "./rig.js";
import type { SessionModel } from "./session-model.js";
import type { AnyPort, Compare } from "./world.js";

/** STARTED when it is accepted, at most one last event, and nothing behind that. */
const EVENTS = /^(STARTED( PROGRESS)*( COMPLETED| FAILED)?|FAILED)?$/;

export function comparePlaybacks(rig: Rig, ports: readonly AnyPort[], model: BridgeModel, same: Compare): void {
  const plays = ports.filter((port) => port instanceof FakePlaybackPort);
  for (const { name, events, isSettled } of plays) {
    const told = events.join(" ");
    if (!EVENTS.test(told)) same(`events of ${name}`, told, "STARTED, then one end");
    same(`${name} has its last event`, /(COMPLETED|FAILED)$/.test(told), isSettled);
  }
  const living = model.sessions.flatMap(({ playbacks }) => playbacks);
  same("players that run", plays.filter(({ hasPlayer }) => hasPlayer).length, living.length);
  same("playbacks told to be requested", rig.recorder.count("playbackRequested"), model.plays);
  same("playbacks told to have ended", rig.recorder.count("playbackEnded"), model.plays - living.length);
  for (const session of model.current.values()) compareSession(rig, session, model.playbacksMax, same);
}

function compareSession(rig: Rig, session: SessionModel, playbacksMax: number, same: Compare): void {
  const { userId, phase, outage, playbacks } = session;
  const { context, children } = rig.supervisor.getSnapshot();
  const real = children[context.current.get(userId) ?? ""]?.getSnapshot();
  if (!real) return same(`${userId} has a session`, false, true);
  const slots = Object.keys(real.children).filter((id) => id.startsWith("play."));
  same(`${userId}'s children that play`, slots.length, playbacks.length);
  // One more than may play at once: the newest begins before those that it interrupts are gone.
  const known = new Set(Array.from({ length: playbacksMax + 1 }, (_, index) => `play.${index}`));
  same(
    `${userId}'s ids of playbacks that are not reused`,
    slots.filter((slot) => !known.has(slot)),
    [],
  );
  if (phase !== "live") return;
  const media = outage ? "reconnecting" : playbacks.length > 0 ? "playing" : "streaming";
  same(`${userId}'s session is ${media}`, real.matches({ active: { live: { media } } }), true);
}
