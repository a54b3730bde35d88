import { describe, expect, it } from "vitest";
import { createSpeakerScene, playbackEvent } from "./speaker-scene.js";

const URL = "https://example.org/a.mp3";

describe("a URL", () => {
  it("is handed to the bridge client, and its events come back once each", async () => {
    const { speaker, client, heard, tell } = createSpeakerScene();
    await speaker.start({ requestId: "a", url: URL, trackId: 2, volume: 0, stopOther: true });
    expect(client.plays).toEqual([{ requestId: "a", url: URL, trackId: 2, volume: 0, stopOther: true }]);
    tell("a", "STARTED");
    tell("a", "PROGRESS", 500);
    tell("a", "COMPLETED", 1_000);
    expect(heard).toEqual(["a STARTED", "a PROGRESS", "a COMPLETED"]);
    expect(speaker.playing).toEqual([]);
  });

  it("leaves the client's defaults alone when nothing is said", async () => {
    const { speaker, client } = createSpeakerScene();
    await speaker.start({ requestId: "a", url: URL });
    expect(client.plays).toEqual([{ requestId: "a", url: URL, trackId: 0 }]);
  });

  it("has one end: what the bridge reports twice, or by two ways, is told once", async () => {
    const { speaker, heard, tell } = createSpeakerScene();
    await speaker.start({ requestId: "a", url: URL });
    for (let way = 0; way < 2; way++) {
      tell("a", "STARTED");
      speaker.handleBridgeEvent(playbackEvent("a", "STARTED"));
      speaker.handleBridgeEvent(playbackEvent("a", "PROGRESS", 500));
      tell("a", "PROGRESS", 500);
    }
    tell("a", "FAILED");
    speaker.handleBridgeEvent(playbackEvent("a", "FAILED"));
    tell("a", "COMPLETED");
    expect(heard).toEqual(["a STARTED", "a PROGRESS", "a FAILED"]);
  });

  it("fails when no bridge can be reached, or the client refuses it", async () => {
    const { speaker, client, heard, setReady } = createSpeakerScene();
    client.playFailure = new Error("no channel");
    await speaker.start({ requestId: "a", url: URL });
    setReady(false);
    await speaker.start({ requestId: "b", url: URL });
    expect(heard).toEqual(["a FAILED no channel", "b FAILED LiveKit room not connected"]);
    expect(speaker.playing).toEqual([]);
  });

  it("is not ended by an event that comes before the bridge has it", async () => {
    const { speaker, client, clock, heard } = createSpeakerScene({ readyMs: 1_000 });
    void speaker.start({ requestId: "a", url: URL });
    speaker.handleBridgeEvent(playbackEvent("a", "FAILED"));
    await clock.advance(1_000);
    expect(heard).toEqual([]);
    expect(client.plays).toHaveLength(1);
  });

  it("of an unknown request goes nowhere", () => {
    const { speaker, heard } = createSpeakerScene();
    speaker.handleBridgeEvent(playbackEvent("nobody", "COMPLETED"));
    expect(heard).toEqual([]);
  });

  it("may be played again under its old name once it has ended, and not before", async () => {
    const { speaker, heard, tell } = createSpeakerScene();
    await speaker.start({ requestId: "a", url: URL });
    await expect(speaker.start({ requestId: "a", url: URL })).rejects.toThrow("a is playing already");
    tell("a", "COMPLETED");
    await speaker.start({ requestId: "a", url: URL });
    tell("a", "COMPLETED");
    expect(heard).toEqual(["a COMPLETED", "a COMPLETED"]);
  });

  it("needs a request id", async () => {
    await expect(createSpeakerScene().speaker.start({ requestId: "", url: URL })).rejects.toThrow(
      "requestId must not be empty",
    );
  });
});

describe("stop", () => {
  it("stops what is named and nothing else", async () => {
    const { speaker, client, heard, tell } = createSpeakerScene();
    await speaker.start({ requestId: "a", url: URL, trackId: 0 });
    await speaker.start({ requestId: "b", url: URL, trackId: 2 });
    await speaker.stop("a");
    expect(client.stops).toEqual(["a"]);
    tell("a", "FAILED");
    expect(heard).toEqual(["a FAILED"]);
    expect(speaker.playing).toEqual(["b"]);
  });

  it("asks nothing of the bridge for a request that is over or unknown: an old bridge would stop everything", async () => {
    const { speaker, client, tell } = createSpeakerScene();
    await speaker.start({ requestId: "a", url: URL, trackId: 0 });
    await speaker.start({ requestId: "b", url: URL, trackId: 2 });
    tell("a", "COMPLETED");
    await speaker.stop("a");
    await speaker.stop("nobody");
    expect(client.stops).toEqual([]);
  });

  it("without a name stops everything", async () => {
    const { speaker, client } = createSpeakerScene();
    await speaker.start({ requestId: "a", url: URL });
    await speaker.stop();
    expect(client.stops).toEqual([undefined]);
  });

  it("reaches a request that still waits for the bridge: it is never played", async () => {
    const { speaker, client, clock, heard } = createSpeakerScene({ readyMs: 1_000 });
    void speaker.start({ requestId: "a", url: URL });
    await clock.advance(500);
    await speaker.stop("a");
    await clock.advance(60_000);
    expect(client.plays).toEqual([]);
    expect(heard).toEqual(["a FAILED stopped"]);
  });
});

describe("a newer request", () => {
  it("on the same track takes the place of one that still waits for the bridge", async () => {
    const { speaker, client, clock, heard } = createSpeakerScene({ readyMs: 1_000 });
    void speaker.start({ requestId: "a", url: URL });
    void speaker.start({ requestId: "b", url: URL });
    void speaker.start({ requestId: "c", url: URL, trackId: 2 });
    await clock.advance(1_000);
    expect(client.plays.map(({ requestId }) => requestId)).toEqual(["b", "c"]);
    expect(heard).toEqual(["a FAILED interrupted by b"]);
  });
});

describe("dispose", () => {
  it("ends every request once, stops it at the bridge, and hears nothing afterwards", async () => {
    const { speaker, client, clock, heard, tell } = createSpeakerScene();
    await speaker.start({ requestId: "a", url: URL });
    await speaker.start({ requestId: "b", pcm: new Uint8Array(320_000), trackId: 2 });
    await clock.advance(100);
    heard.length = 0;
    speaker.dispose();
    speaker.dispose();
    tell("a", "FAILED");
    await clock.advance(60_000);
    expect(heard).toEqual(["a FAILED session closed", "b FAILED session closed"]);
    expect(client.stops).toEqual(["a"]);
    expect(client.emitter.listenerCount).toBe(0);
    expect(clock.pending).toBe(0);
    await expect(speaker.start({ requestId: "c", url: URL })).rejects.toThrow("disposed");
    expect(await speaker.ensureReady()).toBe(false);
  });

  it("of the client ends what it played", async () => {
    const { speaker, client, heard } = createSpeakerScene();
    await speaker.start({ requestId: "a", url: URL });
    client.dispose();
    expect(heard).toEqual(["a FAILED session closed"]);
  });
});

describe("memory", () => {
  it("holds 32 requests at most: more fail at once", async () => {
    const { speaker, heard } = createSpeakerScene();
    for (let count = 0; count < 40; count++) await speaker.start({ requestId: `r${count}`, url: URL, trackId: count });
    expect(speaker.playing).toHaveLength(32);
    expect(heard).toHaveLength(8);
    expect(heard[0]).toBe("r32 FAILED more than 32 requests at once");
  });

  it("keeps nothing of 1,000 requests that have ended, and one listener of the client", async () => {
    const { speaker, client, tell } = createSpeakerScene();
    for (let count = 0; count < 1_000; count++) {
      await speaker.start({ requestId: `r${count}`, url: URL });
      tell(`r${count}`, "COMPLETED");
    }
    expect(speaker.playing).toEqual([]);
    expect(client.emitter.listenerCount).toBe(1);
  });
});

it("a listener that throws is logged and disturbs no other", async () => {
  const { speaker, heard, lines, tell } = createSpeakerScene();
  const broken = () => {
    throw new Error("broken");
  };
  await speaker.start({ requestId: "a", url: URL, onEvent: broken });
  tell("a", "COMPLETED");
  expect(heard).toEqual(["a COMPLETED"]);
  expect(lines.map(({ message }) => message)).toEqual(["A listener of a playback failed"]);
});
