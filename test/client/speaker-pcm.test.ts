import { describe, expect, it } from "vitest";
import { createSpeakerScene } from "./speaker-scene.js";

const URL = "https://example.org/a.mp3";

describe("PCM", () => {
  it("is sent at the speed at which it is heard, 200 ms ahead, and completes when it was heard", async () => {
    const { speaker, client, clock, heard } = createSpeakerScene();
    await speaker.start({ requestId: "a", pcm: new Uint8Array(32_000), trackId: 2 });
    await clock.advance(0);
    expect(heard).toEqual(["a STARTED"]);
    await clock.advance(499);
    expect(client.sent.every(({ atMs, trackId }, index) => atMs >= (index + 1) * 100 - 300 && trackId === 2)).toBe(
      true,
    );
    expect(client.sent.length).toBe(7);
    await clock.advance(500);
    expect(heard).toHaveLength(1);
    await clock.advance(1);
    expect(heard).toEqual(["a STARTED", "a COMPLETED 1000 ms"]);
    expect(sum(client.sent)).toBe(32_000);
    expect(clock.pending).toBe(0);
  });

  it("may come in pieces of odd sizes: samples stay whole", async () => {
    const { speaker, client, clock, heard } = createSpeakerScene();
    await speaker.start({ requestId: "a", pcm: pieces([1, 3, 6_401, 1]) });
    await clock.advance(1_000);
    expect(sum(client.sent)).toBe(6_406);
    expect(client.sent.every(({ bytes }) => bytes % 2 === 0 && bytes <= 3_200)).toBe(true);
    expect(heard.at(-1)).toMatch(/^a COMPLETED/);
  });

  it("stops at once, takes no more from its source, and ends as stopped", async () => {
    const { speaker, client, clock, heard } = createSpeakerScene();
    let isReleased = false;
    const source = (async function* () {
      try {
        for (;;) yield new Uint8Array(3_200);
      } finally {
        isReleased = true;
      }
    })();
    await speaker.start({ requestId: "a", pcm: source });
    await clock.advance(1_000);
    const before = client.sent.length;
    await speaker.stop("a");
    await clock.advance(60_000);
    expect(client.sent).toHaveLength(before);
    expect(heard).toEqual(["a STARTED", "a FAILED stopped"]);
    expect(isReleased).toBe(true);
    expect(client.stops).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it.each<[string, AsyncIterable<Uint8Array> | Uint8Array, RegExp]>([
    ["a source that fails", failing(), /^a FAILED no voice$/],
    ["a source that says nothing for 30 s", silence(), /^a FAILED deadline_exceeded/],
    ["nothing at all", new Uint8Array(0), /^a FAILED invalid_argument/],
  ])("of %s fails", async (_, pcm, text) => {
    const { speaker, clock, heard } = createSpeakerScene();
    await speaker.start({ requestId: "a", pcm });
    await clock.advance(30_000);
    expect(heard).toHaveLength(2);
    expect(heard[1]).toMatch(text);
    expect(clock.pending).toBe(0);
  });

  it("fails when the stream to the bridge is lost", async () => {
    const { speaker, client, clock, heard } = createSpeakerScene();
    await speaker.start({ requestId: "a", pcm: new Uint8Array(320_000) });
    await clock.advance(1_000);
    client.takesAudio = false;
    await clock.advance(1_000);
    expect(heard.at(-1)).toMatch(/^a FAILED not_connected/);
  });

  it("makes the bridge stop the URL on its track, and on all with stopOther", async () => {
    const { speaker, client } = createSpeakerScene();
    await speaker.start({ requestId: "a", url: URL });
    await speaker.start({ requestId: "b", url: URL, trackId: 2 });
    await speaker.start({ requestId: "c", pcm: new Uint8Array(3_200) });
    expect(client.stops).toEqual(["a"]);
    await speaker.start({ requestId: "d", pcm: new Uint8Array(3_200), trackId: 1, stopOther: true });
    expect(client.stops).toEqual(["a", "a", "b"]);
    speaker.dispose();
  });
});

async function* pieces(sizes: readonly number[]) {
  for (const size of sizes) yield new Uint8Array(size);
}

async function* failing() {
  yield new Uint8Array(320);
  throw new Error("no voice");
}

async function* silence() {
  await new Promise(() => {});
  yield new Uint8Array(0);
}

function sum(sent: readonly { readonly bytes: number }[]): number {
  return sent.reduce((total, { bytes }) => total + bytes, 0);
}
