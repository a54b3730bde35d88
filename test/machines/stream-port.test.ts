// How a gRPC call becomes what the session's timers read, without a network: the call is a plain duplex stream.

import type { ServerDuplexStream } from "@grpc/grpc-js";
import { Metadata } from "@grpc/grpc-js";
import { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import type { Backend } from "../../src/grpc/backend.js";
import type { AudioChunk } from "../../src/grpc/messages.js";
import { createStreamPort } from "../../src/grpc/stream-port.js";
import { createSimulatedClock } from "../support/simulated-clock.js";

const chunk = (text = ""): AudioChunk => ({
  pcm_data: Buffer.from(text),
  sample_rate: 16_000,
  channels: 1,
  timestamp_ms: 0,
  user_id: "alice",
  track_id: 0,
});

function openPort(first: AudioChunk) {
  const clock = createSimulatedClock();
  const duplex = new Duplex({ objectMode: true, read() {}, write: (_chunk, _encoding, done) => done() });
  const call = Object.assign(duplex, { metadata: new Metadata(), sendMetadata() {} });
  const limits = { resetAfterMs: 500, sampleRateMinHz: 8000, sampleRateMaxHz: 48_000, channelsMax: 2 };
  const backend = { clock, version: "test", limits } as unknown as Backend;
  const port = createStreamPort(call as unknown as ServerDuplexStream<AudioChunk, AudioChunk>, "alice", first, backend);
  const heard: string[] = [];
  port.connect({
    audio: () => heard.push("audio") > 0,
    heartbeat: () => void heard.push("heartbeat"),
    halfClosed: () => void heard.push("halfClosed"),
    cancelled: () => void heard.push("cancelled"),
    invalid: () => void heard.push("invalid"),
  });
  return { port, heard, clock, receive: (next: AudioChunk) => duplex.emit("data", next) };
}

describe("the first message of a stream", () => {
  it("never counts as a heartbeat, empty as it may be", () => {
    const { port, heard, receive } = openPort(chunk());
    expect([port.activity.heartbeats, heard]).toEqual([0, []]);
    receive(chunk());
    expect([port.activity.heartbeats, heard]).toEqual([1, ["heartbeat"]]);
  });

  it("is heard like any other when it has audio", () => {
    const { port, heard } = openPort(chunk("ab"));
    expect([port.activity.heartbeats, heard]).toEqual([0, ["audio"]]);
  });

  it("and every later one note the time that the inactivity limit counts from", async () => {
    const { port, clock, receive } = openPort(chunk());
    await clock.advance(1234);
    receive(chunk());
    expect(port.activity.lastAtMs).toBe(1234);
  });
});
