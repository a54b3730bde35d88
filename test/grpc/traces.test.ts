// What an engineer finds in the log of a user who says "I hear nothing".

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AudioServer } from "../support/audio-server.js";
import { startAudioServer } from "../support/audio-server.js";
import type { BridgeHarness } from "../support/embedded-bridge.js";
import { useEmbeddedBridge } from "../support/embedded-bridge.js";
import { eventually } from "../support/eventually.js";
import { tone } from "../support/tone.js";
import { wavOf } from "../support/wav.js";

describe("the log", () => {
  let harness: BridgeHarness;
  let web: AudioServer;
  beforeAll(async () => {
    web = await startAudioServer();
  });
  afterAll(() => web.close());
  useEmbeddedBridge((started) => (harness = started), { env: { BRIDGE_AUDIO_ALLOWED: "127.0.0.0/8" } });

  const linesOf = (start: string) => harness.logs.filter(({ message }) => message.startsWith(start));

  test("of a play tells its request, what was found there, and its end; never the query of its address", async () => {
    await harness.client.join(await harness.params("alice"));
    const address = web.add("/clip.wav", wavOf(tone({ frequencyHz: 440, durationMs: 100 }), 48_000));
    const play = harness.client.play("alice", `${address}?signature=secret`, { request_id: "heard", track_id: 2 });
    await play.ended;
    const lines = linesOf("PlayAudio");
    expect(lines.map(({ message }) => message)).toEqual([
      "PlayAudio started",
      "PlayAudio playing",
      "PlayAudio completed",
    ]);
    for (const line of lines)
      expect(line).toMatchObject({ userId: "alice", requestId: "heard", trackId: 2, url: address });
    expect(lines[1]).toMatchObject({ format: "wav", sample_rate: "48000", channels: "1" });
    expect(JSON.stringify(harness.logs)).not.toContain("secret");
  });

  test("of a play that fails tells why", async () => {
    await harness.client.join(await harness.params("alice"));
    const address = web.add("/gone", (_request, response) => response.writeHead(404).end());
    const play = harness.client.play("alice", address, { request_id: "gone" });
    const { details } = await play.ended;
    expect(details).not.toBe("");
    expect(linesOf("PlayAudio failed")).toMatchObject([
      { level: "warn", userId: "alice", requestId: "gone", url: address, error: details },
    ]);
  });

  test("tells every 100 microphone packets how many came, were dropped and wait", async () => {
    await harness.client.join(await harness.params("alice"));
    const phone = await harness.rooms.join({ identity: "alice", room: "alice" });
    const stream = harness.client.stream("alice");
    await stream.metadata;
    for (let i = 0; i < 350; i += 1) {
      await phone.publishData(Buffer.alloc(640, 1));
      if (i % 50 === 0) await eventually("the reader keeps up", () => stream.chunks.length > i);
    }
    await eventually("all of them", () => stream.chunks.length === 350);
    expect(linesOf("Audio flowing").map(({ received, dropped, bytes }) => ({ received, dropped, bytes }))).toEqual(
      [100, 200, 300].map((received) => ({ received, dropped: 0, bytes: received * 640 })),
    );
  });
});
