import { getEventListeners } from "node:events";
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { CODE, useScene } from "./scene.js";
import type { Scene } from "./scene.js";

/** Plays, and as many cancelled plays. */
const PLAYS = Number(process.env["PLAYBACK_LEAK_PLAYS"] ?? 50);

describe("What playbacks leave behind", () => {
  let scene: Scene;
  useScene((fresh) => (scene = fresh), { env: { LOG_LEVEL: "silent" } });

  test(
    `${PLAYS} plays and ${PLAYS} cancelled ones, each id a new one: nothing more than before`,
    async () => {
      const short = scene.tone(440, 20, 0.5, 16_000);
      const long = scene.tone(440, 3000, 0.5, 16_000);
      const silent = scene.silentServer();
      let number = 0;
      const cycle = async () => {
        number += 1;
        const played = scene.play(short, { request_id: `played-${number}` });
        expect((await played.ended).code).toBe(CODE.OK);
        // While it fetches, while it plays, by its caller, by StopAudio.
        const url = number % 2 === 0 ? long : silent;
        const cancelled = scene.play(url, { request_id: `cancelled-${number}` });
        if (url === silent) await eventually("fetching", () => scene.web.open === 1);
        else await eventually("playing", () => cancelled.types().includes("PROGRESS"));
        if (number % 4 < 2) cancelled.call.cancel();
        else await scene.stop();
        await cancelled.ended;
        await eventually("gone", () => scene.playbacks() === 0);
      };
      const held = countHoldings(scene);
      const ids = new Set<string>();
      scene.harness.bridge.supervisor.system.inspect(({ actorRef }) => {
        const id: unknown = Reflect.get(actorRef, "id");
        if (typeof id === "string") ids.add(id);
      });
      for (let i = 0; i < 12; i += 1) await cycle();
      const before = await takeStock(scene);
      const idsBefore = ids.size;
      for (let i = 0; i < PLAYS; i += 1) {
        await cycle();
        scene.heard.clear();
      }
      await eventually("no timer more than before", async () => (await takeStock(scene)).timers <= before.timers, 3000);
      const after = await takeStock(scene);
      // Half of them were stopped before they had anything to play; each of the others has made one of both.
      expect(held.made).toBeGreaterThan(PLAYS);
      expect(held).toMatchObject({ sources: 0, resamplers: 0 });
      expect(after.actors).toEqual(before.actors);
      expect(after.scopeListeners).toBe(before.scopeListeners);
      expect(after.processListeners).toEqual(before.processListeners);
      expect(after.files).toBeLessThanOrEqual(before.files);
      expect(after.threads).toBeLessThanOrEqual(before.threads);
      // XState remembers every id it has heard from, for ever: clients' request ids are none of them.
      expect(ids.size).toBe(idsBefore);
      console.log(`heap before ${before.heapMb} MB, after ${after.heapMb} MB`);
    },
    60_000 + PLAYS * 1000,
  );
});

/** Counts the sources on the session's tracks and the resamplers in use, by looking over its room's shoulder. */
function countHoldings({ harness }: Scene) {
  const [session] = Object.values(harness.bridge.supervisor.getSnapshot().children);
  const room = session?.getSnapshot().context.room;
  if (!room) throw new Error("no room");
  const held = { made: 0, sources: 0, resamplers: 0 };
  const attach = room.attachSource.bind(room);
  room.attachSource = (...args) => {
    const source = attach(...args);
    held.sources += 1;
    const { wake, detach } = source;
    return { wake, detach: once(() => (held.sources -= 1), detach) };
  };
  const { createResampler } = room;
  const counting: typeof createResampler = (format) => {
    const resampler = createResampler(format);
    held.made += 1;
    held.resamplers += 1;
    return { ...resampler, close: once(() => (held.resamplers -= 1), resampler.close) };
  };
  Object.defineProperty(room, "createResampler", { value: counting });
  return held;
}

/** Both on the first call, only the second on later ones. */
function once(first: () => void, always: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) first();
    isDone = true;
    always();
  };
}

async function takeStock({ harness, web }: Scene) {
  await eventually("no download", () => web.open === 0, 2000);
  const { children, context } = harness.bridge.supervisor.getSnapshot();
  const [session] = Object.values(children);
  const [entry] = context.sessions.values();
  return {
    actors: Object.keys(session?.getSnapshot().children ?? {}),
    scopeListeners: entry ? getEventListeners(entry.scope.signal, "abort").length : -1,
    timers: process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length,
    files: readdirSync("/proc/self/fd").length,
    threads: readdirSync("/proc/self/task").length,
    processListeners: process.eventNames().map((name) => [name, process.listenerCount(name)]),
    heapMb: Math.round(process.memoryUsage().heapUsed / 2 ** 20),
  };
}
