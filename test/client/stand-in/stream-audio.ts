// StreamAudio of the stand-in, from the first chunk to the stream that is recorded and steered.

import type { handleBidiStreamingCall } from "@grpc/grpc-js";
import type { AudioChunk } from "../../../src/grpc/messages.js";
import { AudioStream } from "./audio-stream.js";
import type { AudioCall } from "./audio-stream.js";
import type { Status, StreamBehaviour } from "./behaviour.js";
import { nowMs } from "./recorder.js";
import type { OpenRecord } from "./recorder.js";
import { record } from "./scene.js";
import type { Scene } from "./scene.js";
import { toGrpcStatus } from "./status.js";

const REFUSED: Readonly<Record<"noUser" | "noSession", (userId: string) => Status>> = {
  noUser: () => ({ code: "INVALID_ARGUMENT", details: "userId required in first chunk" }),
  noSession: (userId) => ({ code: "NOT_FOUND", details: `session not found for user ${userId}` }),
};

export function streamAudio(scene: Scene): handleBidiStreamingCall<AudioChunk, AudioChunk> {
  return (call) => {
    const entry = record(scene, "StreamAudio", call, {});
    const cancelled = () => scene.recorder.end(entry, "cancelled", "CANCELLED");
    call.on("cancelled", cancelled);
    const halfClosed = () => {
      scene.recorder.end(entry, "answered", "OK");
      call.end();
    };
    call.once("end", halfClosed);
    call.once("data", (first: AudioChunk) => {
      // Nothing more is read until it is decided what becomes of the stream.
      call.pause();
      call.off("end", halfClosed);
      entry.userId = first.user_id;
      entry.request = { ...first, pcm_data: undefined };
      void open(scene, call, first, entry);
    });
  };
}

async function open(scene: Scene, call: AudioCall, first: AudioChunk, entry: OpenRecord): Promise<void> {
  const userId = first.user_id;
  const own = scene.book.takeOnce("StreamAudio", userId);
  const behaviour = (): StreamBehaviour => ({ ...scene.book.of("StreamAudio", userId), ...own });
  recordChunk(scene, userId, first, true);
  const { refusal } = behaviour();
  if (refusal) {
    setTimeout(() => refuse(scene, call, refusal, entry), refusal.afterMs ?? 0);
    return;
  }
  if (userId === "") return refuse(scene, call, REFUSED.noUser(userId), entry);
  await joined(scene, userId);
  if (call.cancelled) return;
  if (!scene.sessions.get(userId)) return refuse(scene, call, REFUSED.noSession(userId), entry);
  const stream = new AudioStream(call, { userId, connection: entry.connection }, behaviour, {
    chunk: (chunk) => recordChunk(scene, userId, chunk, false),
    closed(how, { code }) {
      scene.recorder.end(entry, how === "cancelled" ? "cancelled" : "answered", code);
      scene.sessions.closed(stream, how);
    },
  });
  stream.accept(scene.version);
  stream.applyReading();
  await scene.sessions.attach(stream);
}

/** A stream that is opened while a join of its user is pending waits for the end of that. */
function joined({ sessions }: Scene, userId: string): Promise<void> {
  const over = sessions.pendingJoin(userId)?.over;
  if (!over || over.aborted) return Promise.resolve();
  return new Promise((done) => over.addEventListener("abort", () => done(), { once: true }));
}

function refuse(scene: Scene, call: AudioCall, refusal: Status, entry: OpenRecord): void {
  scene.recorder.end(entry, "answered", refusal.code);
  call.on("error", () => {});
  const { code, details, metadata } = toGrpcStatus(refusal);
  if (refusal.code === "OK") call.end(metadata);
  else call.emit("error", { code, details, metadata });
  call.resume();
}

function recordChunk(scene: Scene, userId: string, chunk: AudioChunk, isFirst: boolean): void {
  const fields = {
    trackId: chunk.track_id,
    sampleRate: chunk.sample_rate,
    channels: chunk.channels,
    userId: chunk.user_id,
    timestampMs: chunk.timestamp_ms,
    isFirst,
    isHeartbeat: !isFirst && chunk.pcm_data.length === 0,
    atMs: nowMs(),
  };
  scene.recorder.chunk(userId, fields, chunk.pcm_data);
}
