import { EventEmitter } from "node:events";
import { Metadata, status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../../src/client/limits.js";
import { AudioStream } from "../../../src/client/wire/audio-stream.js";
import { createSimulatedClock } from "../../support/simulated-clock.js";

class FakeCall extends EventEmitter {
  readonly did: string[] = [];
  write = () => true;
  end = () => void this.did.push("end");
  cancel = () => void this.did.push("cancel");
}

function openStream({ isOldBridge = false } = {}) {
  const clock = createSimulatedClock();
  const call = new FakeCall();
  const told: string[] = [];
  const client = { streamAudio: () => call } as never;
  const stream = new AudioStream(
    { client, userId: "u", metadata: new Metadata(), isOldBridge, limits: DEFAULT_LIMITS, clock, random: () => 0 },
    {
      accepted: () => told.push("accepted"),
      heard: () => {},
      chunk: ({ pcm_data }) => told.push(`chunk of ${pcm_data.length}`),
      ended: (reason) => told.push(`ended ${reason}`),
      failed: ({ code }) => told.push(`failed ${code}`),
    },
  );
  const accept = () => {
    const metadata = new Metadata();
    metadata.set("bridge-version", "1");
    call.emit("metadata", metadata);
  };
  const end = (code: number, reason?: string) => {
    const metadata = new Metadata();
    if (reason !== undefined) metadata.set("bridge-end-reason", reason);
    call.emit("status", { code, details: "", metadata });
  };
  const data = (size: number) => call.emit("data", { pcm_data: Buffer.alloc(size) });
  return { stream, call, told, clock, accept, end, data };
}

test("error, end and close of one call are one failure, and no timer is left", async () => {
  const { call, told, accept, end, clock } = openStream();
  accept();
  call.emit("error", new Error("gone"));
  end(status.UNAVAILABLE);
  call.emit("end");
  call.emit("close");
  end(status.OK, "replaced");
  await clock.advance(60_000);
  expect(told).toEqual(["accepted", "failed unavailable"]);
  expect(clock.pending).toBe(0);
});

test("what a stream that was closed still says is told to nobody", async () => {
  const { stream, call, told, accept, end, data, clock } = openStream();
  accept();
  stream.close();
  data(640);
  call.emit("error", new Error("late"));
  end(status.INTERNAL);
  await clock.advance(60_000);
  expect([told, call.did, clock.pending]).toEqual([["accepted"], ["end"], 0]);
});

test("a close that the bridge does not answer is a cancel after a second", async () => {
  const { stream, call, clock, accept } = openStream();
  accept();
  stream.close();
  await clock.advance(999);
  expect(call.did).toEqual(["end"]);
  await clock.advance(1);
  expect([call.did, clock.pending]).toEqual([["end", "cancel"], 0]);
});

test("a stream that is not accepted within 5 s failed; its late acceptance is not heard", async () => {
  const { call, told, clock, accept } = openStream();
  await clock.advance(5000);
  accept();
  expect([told, call.did]).toEqual([["failed not_accepted"], ["cancel"]]);
});

test("headers that name no bridge accept nothing", async () => {
  const { call, told, clock } = openStream();
  call.emit("metadata", new Metadata());
  await clock.advance(4999);
  expect(told).toEqual([]);
});

test("audio accepts a stream before it is told; an empty chunk is never told", () => {
  const { told, data } = openStream();
  data(640);
  data(0);
  expect(told).toEqual(["accepted", "chunk of 640"]);
});

test("an old bridge's stream counts as accepted after 500 ms", async () => {
  const { told, clock } = openStream({ isOldBridge: true });
  await clock.advance(499);
  expect(told).toEqual([]);
  await clock.advance(60_000);
  expect(told).toEqual(["accepted"]);
});
