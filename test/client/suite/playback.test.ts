// A playback as its caller sees it: events in order and exactly one last, whatever becomes of the call.

import { describe, expect, test } from "vitest";
import type { BridgeClient, PlaybackEvent, PlayRequest } from "../../../src/client/bridge-client.js";
import { eventually } from "../../support/eventually.js";
import type { PlayStep } from "../stand-in/behaviour.js";
import { createScene } from "./scene.js";
import type { UserOptions } from "./scene.js";

const scene = createScene({ kind: "new" });
const url = "https://sounds.example/hello.mp3";
const STARTED: PlayStep = { event: { type: "STARTED" } };

async function connected(script?: readonly PlayStep[], limits: UserOptions["limits"] = {}) {
  const user = scene.user({ limits });
  await user.client.connect();
  if (script) await scene.bridge.set({ PlayAudio: { script } }, user.userId);
  return user;
}

async function play(client: BridgeClient, request: Partial<PlayRequest> = {}): Promise<PlaybackEvent[]> {
  const events: PlaybackEvent[] = [];
  for await (const event of client.play({ url, ...request })) events.push(event);
  return events;
}

const typesOf = (events: readonly PlaybackEvent[]) => events.map(({ type }) => type);
const openPlays = async () => (await scene.bridge.counts()).openCalls.PlayAudio;

test("a playback is STARTED, PROGRESS and COMPLETED, with times as numbers and its request id", async () => {
  const { client } = await connected();
  const events = await play(client, { requestId: "one" });
  expect(typesOf(events)).toEqual(["STARTED", "PROGRESS", "PROGRESS", "COMPLETED"]);
  expect(events.at(-1)).toEqual({
    type: "COMPLETED",
    requestId: "one",
    durationMs: 1000,
    positionMs: 1000,
    error: "",
    metadata: {},
  });
});

test("volume, track and stop_other are always sent, 0 as 0; a request id is made up", async () => {
  const { client, userId } = await connected();
  await play(client);
  await play(client, { requestId: "two", volume: 0, trackId: 2, stopOther: true });
  const [first, second] = (await scene.bridge.calls("PlayAudio", userId)).map(({ request }) => request);
  expect(first).toMatchObject({ user_id: userId, audio_url: url, volume: 1, track_id: 0, stop_other: false });
  expect(first?.["request_id"]).toMatch(/^[0-9a-f-]{36}$/);
  expect(second).toMatchObject({ request_id: "two", volume: 0, track_id: 2, stop_other: true });
});

describe("whatever becomes of the call, the last event is one FAILED that says why", () => {
  const cases: readonly (readonly [what: string, script: readonly PlayStep[], error: RegExp])[] = [
    ["an error after FAILED", [{ event: { type: "FAILED", error: "404" } }, { status: { code: "INTERNAL" } }], /^404$/],
    ["an error without FAILED", [STARTED, { status: { code: "INTERNAL", details: "decoder" } }], /INTERNAL: decoder/],
    ["an end in order, unfinished", [STARTED], /ended unfinished/],
    ["silence", [STARTED, { hangs: true }], /nothing was heard of it for 300 ms/],
    ["silence from the start", [{ hangs: true }], /nothing was heard of it for 300 ms/],
    ["an event after the last", [{ event: { type: "FAILED", error: "first" } }, STARTED], /^first$/],
  ];
  for (const [what, script, error] of cases) {
    test(what, async () => {
      const { client } = await connected(script, { playbackSilenceMaxMs: 300 });
      const events = await play(client);
      expect(typesOf(events).filter((type) => type === "FAILED" || type === "COMPLETED")).toEqual(["FAILED"]);
      expect(events.at(-1)?.error).toMatch(error);
      await eventually("no call is left", async () => (await openPlays()) === 0);
    });
  }

  test("a connection that breaks", async () => {
    const { client, userId } = await connected([STARTED, { hangs: true }]);
    const played = play(client);
    await eventually("it plays", async () => (await openPlays()) === 1);
    await scene.bridge.cut(userId);
    expect(typesOf(await played).at(-1)).toBe("FAILED");
  });

  test("a bridge that is not there", async () => {
    const { client } = scene.user({ address: "127.0.0.1:1" });
    expect(typesOf(await play(client))).toEqual(["FAILED"]);
  });

  test("a bridge that does not know the user", async () => {
    const { client, userId } = scene.user();
    const [event, ...more] = await play(client);
    expect([event?.type, event?.error, more]).toEqual(["FAILED", `session not found for user ${userId}`, []]);
  });
});

test("progress keeps a playback alive beyond the limit of silence", async () => {
  const progress: PlayStep = { afterMs: 200, event: { type: "PROGRESS" } };
  const script = [STARTED, progress, progress, progress, progress, progress, { event: { type: "COMPLETED" as const } }];
  const { client } = await connected(script, { playbackSilenceMaxMs: 800 });
  expect(typesOf(await play(client)).at(-1)).toBe("COMPLETED");
});

test("leaving the loop ends the playback at the bridge", async () => {
  const { client, userId } = await connected([STARTED, { hangs: true }]);
  for await (const { type } of client.play({ url })) {
    expect(type).toBe("STARTED");
    break;
  }
  await eventually("the call is over", async () => (await openPlays()) === 0);
  const [call] = await scene.bridge.calls("PlayAudio", userId);
  expect(call?.outcome).toBe("cancelled");
});

test("a request id that is played again takes the place of the one before", async () => {
  const { client } = await connected([STARTED, { hangs: true }]);
  const first = play(client, { requestId: "same" });
  await eventually("the first plays", async () => (await openPlays()) === 1);
  const second = play(client, { requestId: "same" });
  expect((await first).at(-1)).toMatchObject({ type: "FAILED", error: "interrupted by same" });
  expect(await client.stop({ requestId: "same" })).toEqual(["same"]);
  expect(typesOf(await second)).toEqual(["STARTED", "FAILED"]);
});

test("playbacks of several tracks go on beside one another", async () => {
  const { client } = await connected();
  const all = await Promise.all([0, 1, 2].map((trackId) => play(client, { trackId })));
  expect(all.map((events) => events.at(-1)?.type)).toEqual(["COMPLETED", "COMPLETED", "COMPLETED"]);
});

describe("stop", () => {
  const playing = async () => {
    const user = await connected([STARTED, { hangs: true }]);
    const played = [0, 1, 2].map((trackId) => play(user.client, { trackId, requestId: `on-${trackId}` }));
    await eventually("all play", async () => (await openPlays()) === 3);
    return { ...user, played };
  };

  test("with a request id stops that one, with a track what plays on it, with nothing all", async () => {
    const { client, userId, played } = await playing();
    expect(await client.stop({ requestId: "on-1" })).toEqual(["on-1"]);
    expect(await client.stop({ trackId: 0, reason: "enough" })).toEqual(["on-0"]);
    expect(await client.stop({ requestId: "unknown" })).toEqual([]);
    expect(await client.stop()).toEqual(["on-2"]);
    const events = await Promise.all(played);
    expect(events.map((all) => all.at(-1)?.error)[0]).toBe("stopped: enough");
    const requests = (await scene.bridge.calls("StopAudio", userId)).map(({ request }) => request);
    expect(requests.map(({ request_id, track_id }) => [request_id, track_id])).toEqual([
      ["on-1", undefined],
      ["", 0],
      ["unknown", undefined],
      ["", undefined],
    ]);
  });

  test("names all that it stopped", async () => {
    const { client } = await playing();
    expect((await client.stop()).toSorted()).toEqual(["on-0", "on-1", "on-2"]);
  });

  test("of a user that the bridge does not know is not_found", async () => {
    const { client } = scene.user();
    expect((await scene.failure(client.stop())).code).toBe("not_found");
  });
});
