// Playbacks under their old names: by request id, with a handler that may be set before or after.

import { describe, expect, test } from "vitest";
import type { PlayAudioEventInfo } from "../../../src/client/cloud/playback-handlers.js";
import { eventually } from "../../support/eventually.js";
import { oldClients } from "./old-clients.js";
import { createScene } from "./scene.js";

const scene = createScene({ kind: "new" });
const oldClient = oldClients(scene);
const url = "https://sounds.example/hello.mp3";

describe("playing", () => {
  const playing = async () => {
    const old = oldClient();
    await old.client.connect(old.params());
    const events: PlayAudioEventInfo[] = [];
    return { ...old, events, types: () => events.map(({ type }) => type) };
  };
  const ALL = ["STARTED", "PROGRESS", "PROGRESS", "COMPLETED"];

  test("a handler that was set before gets every event once, with milliseconds as numbers", async () => {
    const { client, events, types } = await playing();
    client.onPlayAudioEvent("one", (event) => events.push(event));
    expect(await client.playAudio({ requestId: "one", url })).toBe(undefined);
    await eventually("it is over", () => types().includes("COMPLETED"));
    expect(types()).toEqual(ALL);
    expect(events.at(-1)).toEqual({
      type: "COMPLETED",
      requestId: "one",
      durationMs: 1000,
      positionMs: 1000,
      error: "",
      metadata: {},
    });
  });

  test("a handler that is set when all is over gets every event once", async () => {
    const { client, events, types, userId } = await playing();
    await client.playUrl({ requestId: "one", url });
    const isOver = async () => (await scene.bridge.calls("PlayAudio", userId))[0]?.outcome !== undefined;
    await eventually("it is over", isOver);
    await client.getStatus();
    client.onPlayAudioEvent("one", (event) => events.push(event));
    await eventually("it has been told", () => types().includes("COMPLETED"));
    expect(types()).toEqual(ALL);
  });

  test("volume and track have their defaults on the wire, and 0 is 0", async () => {
    const { client, userId, types, events } = await playing();
    client.onPlayAudioEvent("b", (event) => events.push(event));
    await client.playAudio({ requestId: "a", url });
    await client.playAudio({ requestId: "b", url, volume: 0, trackId: 2, stopOther: true });
    await eventually("it is over", () => types().includes("COMPLETED"));
    const requests = (await scene.bridge.calls("PlayAudio", userId)).map(({ request }) => request);
    expect(requests[0]).toMatchObject({ volume: 1, stop_other: false, track_id: 0, audio_url: url });
    expect(requests[1]).toMatchObject({ volume: 0, stop_other: true, track_id: 2 });
  });

  test("a failure is one FAILED with its text, also without a session", async () => {
    const { client, userId } = oldClient();
    const events: PlayAudioEventInfo[] = [];
    client.onPlayAudioEvent("one", (event) => events.push(event));
    await client.playAudio({ requestId: "one", url });
    await eventually("it failed", () => events.length > 0);
    await client.getStatus();
    expect(events.map(({ type, error }) => [type, error])).toEqual([
      ["FAILED", `session not found for user ${userId}`],
    ]);
  });

  test("stopAudio stops the one that is named, or all; it never rejects", async () => {
    const { client, userId, events } = await playing();
    const script = [{ event: { type: "STARTED" } }, { hangs: true }] as const;
    await scene.bridge.set({ PlayAudio: { script } }, userId);
    for (const requestId of ["a", "b", "c"]) {
      client.onPlayAudioEvent(requestId, (event) => events.push(event));
      await client.playAudio({ requestId, url, trackId: events.length });
      await eventually("it plays", () => events.at(-1)?.requestId === requestId);
    }
    const failed = () => events.flatMap(({ type, requestId }) => (type === "FAILED" ? [requestId] : []));
    expect(await client.stopAudio("b")).toBe(undefined);
    await eventually("b is over", () => failed().length === 1);
    expect(failed()).toEqual(["b"]);
    expect(await client.stopPlayback()).toBe(undefined);
    await eventually("all are over", () => failed().length === 3);
    await scene.bridge.once({ StopAudio: { error: { code: "INTERNAL" } } }, userId);
    expect(await client.stopAudio()).toBe(undefined);
  });

  test("dispose ends a playback with one FAILED; playing afterwards is refused", async () => {
    const { client, userId, events, types } = await playing();
    await scene.bridge.set({ PlayAudio: { script: [{ event: { type: "STARTED" } }, { hangs: true }] } }, userId);
    client.onPlayAudioEvent("one", (event) => events.push(event));
    await client.playAudio({ requestId: "one", url });
    await eventually("it plays", () => types().length === 1);
    client.dispose();
    await eventually("it is over", () => types().length === 2);
    expect(types()).toEqual(["STARTED", "FAILED"]);
    expect((await scene.failure(client.playAudio({ url }))).message).toBe("LiveKitGrpcClient is disposed");
  });
});
