import { describe, expect, test } from "vitest";
import type { HeardFrame } from "../../src/livekit/embedded/participant.js";
import type { BridgeHarness } from "../support/embedded-bridge.js";
import { useEmbeddedBridge } from "../support/embedded-bridge.js";
import { eventually } from "../support/eventually.js";
import { frequencyOf, level, tone } from "../support/tone.js";

const GAP_MIN_SAMPLES = 48;

describe("uplink audio, cloud to room", () => {
  let harness: BridgeHarness;
  let heard: Map<string, Int16Array[]>;
  useEmbeddedBridge((started) => {
    harness = started;
    heard = new Map();
  });

  async function scene() {
    const frame = ({ trackName, samples }: HeardFrame) => {
      heard.set(trackName, [...(heard.get(trackName) ?? []), samples]);
    };
    const phone = await harness.rooms.join({ identity: "alice", room: "alice" }, { frame });
    await harness.client.join(await harness.params("alice"));
    const stream = harness.client.stream("alice");
    await stream.metadata;
    return { phone, stream };
  }

  /** What a track played, without the silence before and after; and within, where the client on a busy machine was late. */
  function soundOn(track: string): Int16Array {
    const all = Int16Array.from((heard.get(track) ?? []).flatMap((samples) => [...withoutGaps(samples)]));
    const isSound = (sample: number) => Math.abs(sample) > 200;
    return all.subarray(all.findIndex(isSound), all.findLastIndex(isSound) + 1);
  }

  /** A frame that was not full ends in nothing, which no tone of these does for a whole millisecond. */
  function withoutGaps(frame: Int16Array): Int16Array {
    const last = frame.findLastIndex((sample) => sample !== 0);
    return frame.length - 1 - last < GAP_MIN_SAMPLES ? frame : frame.subarray(0, last + 1);
  }

  function pcm(samples: Int16Array): Buffer {
    return Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
  }

  test.each([
    ["as it mostly comes", 16_000, 1],
    ["with the rate left out", 0, 0],
    ["of a telephone", 8000, 1],
    ["of a compact disc, in stereo", 44_100, 2],
    ["at the track's own rate", 48_000, 1],
    ["in four channels", 48_000, 4],
  ])("a tone %s (%i Hz, %i channels) is heard at its frequency, level and length", async (_case, rate, channels) => {
    const { stream } = await scene();
    const realRate = rate === 0 ? 16_000 : rate;
    const mono = tone({ frequencyHz: 440, durationMs: 400, sampleRateHz: realRate });
    const count = Math.max(1, channels);
    const samples = Int16Array.from({ length: mono.length * count }, (_, i) => mono[Math.floor(i / count)] ?? 0);
    // Uneven pieces: an odd byte at the end of one belongs to the next.
    const bytes = pcm(samples);
    for (let at = 0; at < bytes.length; at += 1001) {
      stream.send(bytes.subarray(at, at + 1001), { sample_rate: rate, channels });
    }
    await eventually("the tone", () => soundOn("speaker").length > 19_000);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const sound = soundOn("speaker");
    expect(sound.length / 48).toBeGreaterThan(395);
    expect(sound.length / 48).toBeLessThan(403);
    expect(frequencyOf(sound)).toBeCloseTo(440, -0.5);
    expect(level(sound)).toBeGreaterThan(level(mono) * 0.95);
    expect(level(sound)).toBeLessThan(level(mono) * 1.05);
  });

  test("a track id names the track; tracks are published with their first sound and kept", async () => {
    const { stream, phone } = await scene();
    expect(phone.trackNames).toEqual([]);
    const beep = pcm(tone({ frequencyHz: 440, durationMs: 100, sampleRateHz: 16_000 }));
    for (const track_id of [0, 1, 2, 5]) stream.send(beep, { track_id });
    await eventually("four tracks", () => phone.trackNames.length === 4);
    expect([...phone.trackNames].toSorted()).toEqual(["app_audio", "speaker", "track_5", "tts"]);
    stream.send(beep, { track_id: 0 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(harness.engine.counts().tracks).toBe(4);
  });

  test("a track holds ten seconds; then the stream is paused, HTTP/2 pushes back, and nothing is lost", async () => {
    const { stream } = await scene();
    const second = pcm(tone({ frequencyHz: 440, durationMs: 1000, sampleRateHz: 16_000 }));
    for (let i = 0; i < 60; i += 1) stream.send(second);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const { uplinkBytesIn, uplinkBytesDropped } = harness.bridge.backend.stats();
    // Ten seconds, what was played meanwhile, and what grpc-js has read ahead.
    expect(uplinkBytesIn / 32_000).toBeGreaterThan(10);
    expect(uplinkBytesIn / 32_000).toBeLessThan(14);
    expect(uplinkBytesDropped).toBe(0);
    expect(stream.call.writableNeedDrain || stream.call.writableLength > 0).toBe(true);
  });

  test("a chunk of a hundred seconds blocks nobody", async () => {
    const { stream } = await scene();
    const before = harness.bridge.backend.eventLoopLagMs();
    expect(before).toBeGreaterThanOrEqual(0);
    stream.send(pcm(tone({ frequencyHz: 440, durationMs: 100_000, sampleRateHz: 16_000 })));
    await eventually("its beginning heard", () => soundOn("speaker").length > 4800);
    expect(harness.bridge.backend.stats().uplinkBytesIn).toBe(3_200_000);
  });

  test("what the room may not publish is dropped and counted, the microphone goes on", async () => {
    harness.rooms.faults.refusePublishes({}, "not_allowed");
    const { stream, phone } = await scene();
    stream.send(Buffer.alloc(640, 1));
    await eventually("it counted", () => harness.bridge.backend.stats().uplinkBytesDropped === 640);
    expect(harness.messages()).toContain("Failed to publish audio track");
    await phone.publishData(Buffer.alloc(640, 2));
    await eventually("the packet", () => stream.chunks.length === 1);
    expect(stream.isEnded()).toBe(false);
  });

  test("while the room reconnects uplink is dropped and counted, afterwards it is heard", async () => {
    const { stream } = await scene();
    harness.rooms.dropTransport("alice", "cloud-agent:alice", { durationMs: 200 });
    await eventually("reconnecting", async () => !(await harness.client.status("alice")).connected);
    stream.send(Buffer.alloc(640, 1));
    await eventually("it counted", () => harness.bridge.backend.stats().uplinkBytesDropped === 640);
    await eventually("regained", async () => (await harness.client.status("alice")).connected);
    stream.send(pcm(tone({ frequencyHz: 440, durationMs: 200, sampleRateHz: 16_000 })));
    await eventually("the tone", () => soundOn("speaker").length > 9000);
  });

  test("what was sent before a half-close is played to its end", async () => {
    const { stream } = await scene();
    stream.send(pcm(tone({ frequencyHz: 440, durationMs: 600, sampleRateHz: 16_000 })));
    stream.call.end();
    expect((await stream.ended).code).toBe(0);
    await eventually("all of it", () => soundOn("speaker").length >= 595 * 48);
  });
});
