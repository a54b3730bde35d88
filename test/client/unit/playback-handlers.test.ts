import { expect, test } from "vitest";
import type { PlaybackEvent } from "../../../src/client/bridge-client.js";
import { PlaybackHandlers } from "../../../src/client/cloud/playback-handlers.js";
import { silentLogger } from "../../../src/client/log.js";

const event = (requestId: string, type: PlaybackEvent["type"], positionMs = 0): PlaybackEvent => ({
  type,
  requestId,
  durationMs: 0,
  positionMs,
  error: "",
  metadata: {},
});

/** A client whose playbacks are what `script` says, an event a turn. */
function handlersOf(script: (requestId: string) => Iterable<PlaybackEvent>) {
  const client = {
    async *play({ requestId = "" }) {
      for (const each of script(requestId)) {
        await Promise.resolve();
        yield each;
      }
    },
  };
  return new PlaybackHandlers(client as never, silentLogger);
}

const settled = () => new Promise((done) => setTimeout(done, 5));
const whole = (requestId: string) => [event(requestId, "STARTED"), event(requestId, "COMPLETED")];

test("a handler hears every event once, whether it was set before, meanwhile or afterwards", async () => {
  for (const turnsBefore of [-1, 0, 1, 2, 3, 4, 5, 20]) {
    const handlers = handlersOf(whole);
    const told: string[] = [];
    const listen = () => handlers.on("a", ({ type }) => told.push(type));
    if (turnsBefore < 0) listen();
    handlers.play({ requestId: "a", url: "u" });
    for (let turn = 0; turn < turnsBefore; turn += 1) await Promise.resolve();
    if (turnsBefore >= 0) listen();
    await settled();
    expect([turnsBefore, told]).toEqual([turnsBefore, ["STARTED", "COMPLETED"]]);
  }
});

test("of a long playback that nobody listened to, the first events and the last are kept", async () => {
  const handlers = handlersOf(function* (requestId) {
    for (let at = 0; at < 1000; at += 1) yield event(requestId, "PROGRESS", at);
    yield event(requestId, "COMPLETED");
  });
  handlers.play({ requestId: "a", url: "u" });
  await settled();
  const told: PlaybackEvent[] = [];
  handlers.on("a", (each) => told.push(each));
  expect([told.length, told.at(-1)?.type, told[0]?.positionMs]).toEqual([51, "COMPLETED", 0]);
});

test("a handler that throws hears the next event all the same", async () => {
  const handlers = handlersOf(whole);
  const told: string[] = [];
  handlers.on("a", ({ type }) => {
    told.push(type);
    throw new Error("the handler is broken");
  });
  handlers.play({ requestId: "a", url: "u" });
  await settled();
  expect(told).toEqual(["STARTED", "COMPLETED"]);
});

test("a playback that throws is one FAILED", async () => {
  const handlers = handlersOf(() => {
    throw new Error("no channel");
  });
  const told: string[] = [];
  handlers.on("a", ({ type, error }) => told.push(`${type} ${error}`));
  handlers.play({ requestId: "a", url: "u" });
  await settled();
  expect(told).toEqual(["FAILED no channel"]);
});
