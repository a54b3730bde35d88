// The other side of a room in tests against a real server: a phone that sends its microphone as data packets and hears
// tracks. It uses rtc-node's own public classes, on the native library that the engine of this process has loaded: create
// the engine first, and let go of participants before the engine is disposed.

import type * as RtcNode from "@livekit/rtc-node";
import type { AudioFrame, RemoteTrack, RemoteTrackPublication, Room } from "@livekit/rtc-node";
import { RTC_NODE_CLIENT_GLOBAL } from "../../src/livekit/rtc-node/client-global.js";
import { keepHandles } from "./kept-handles.js";

export interface HeardFrame {
  /** Monotonic, in milliseconds, of its arrival here. */
  readonly atMs: number;
  readonly samples: Int16Array;
}

export interface RtcParticipant {
  readonly room: Room;
  readonly identity: string;
  publishData(payload: Uint8Array, options?: { reliable?: boolean; topic?: string }): Promise<void>;
  /** Names of tracks that others publish in this moment. */
  readonly trackNames: readonly string[];
  /** What a track has sounded like since it was subscribed: 48 kHz mono, silence included. */
  frames(trackName: string): readonly HeardFrame[];
  /** What was heard on a track in the `durationMs` after its first frame; rejects if there is none within 5 s. */
  hear(trackName: string, durationMs: number): Promise<Int16Array>;
  leave(): Promise<void>;
}

export interface RtcParticipantOptions {
  /** Subscribe to every audio track, as phones do. Default true. */
  readonly isListening?: boolean;
}

const FIRST_FRAME_MAX_MS = 5000;

export async function joinRtcParticipant(
  url: string,
  token: string,
  options: RtcParticipantOptions = {},
): Promise<RtcParticipant> {
  if (Reflect.get(globalThis, RTC_NODE_CLIENT_GLOBAL) === undefined) throw new Error("create the engine first");
  const rtc = await importQuietly();
  const room = new rtc.Room();
  const heard = new Map<string, HeardFrame[]>();
  const readers = new Set<FrameReader>();

  room.on("trackSubscribed", (track: RemoteTrack, publication: RemoteTrackPublication) => {
    if (track.kind !== rtc.TrackKind.KIND_AUDIO) return;
    const frames: HeardFrame[] = [];
    heard.set(publication.name ?? "", frames);
    const stream = new rtc.AudioStream(track, { sampleRate: 48_000, numChannels: 1, frameSizeMs: 10 });
    const reader = stream.getReader();
    readers.add(reader);
    void collect(reader, frames).catch(() => undefined);
  });
  room.on("trackUnsubscribed", (_track: RemoteTrack, publication: RemoteTrackPublication) => {
    heard.delete(publication.name ?? "");
  });
  await room.connect(url, token, { autoSubscribe: options.isListening ?? true, dynacast: false });
  const local = room.localParticipant;
  if (!local) throw new Error("joined without a local participant");

  return {
    room,
    identity: local.identity,
    publishData: (payload, { reliable = true, topic } = {}) =>
      local.publishData(payload, topic === undefined ? { reliable } : { reliable, topic }),
    get trackNames() {
      return [...room.remoteParticipants.values()].flatMap((remote) =>
        [...remote.trackPublications.values()].map((publication) => publication.name ?? ""),
      );
    },
    frames: (trackName) => heard.get(trackName) ?? [],
    async hear(trackName, durationMs) {
      const deadline = performance.now() + FIRST_FRAME_MAX_MS;
      for (;;) {
        const frames = heard.get(trackName);
        const first = frames?.[0];
        if (frames && first) {
          await pause(first.atMs + durationMs - performance.now());
          return joinFrames(frames.filter((frame) => frame.atMs <= first.atMs + durationMs));
        }
        if (performance.now() > deadline) throw new Error(`nothing heard on ${trackName}`);
        await pause(5);
      }
    },
    async leave() {
      await Promise.all([...readers].map((reader) => reader.cancel()));
      await room.disconnect();
    },
  };
}

/** rtc-node logs its doings to stdout unless it is loaded in production. */
async function importQuietly(): Promise<typeof RtcNode> {
  keepHandles();
  const before = process.env["NODE_ENV"];
  process.env["NODE_ENV"] = "production";
  try {
    return await import("@livekit/rtc-node");
  } finally {
    if (before === undefined) delete process.env["NODE_ENV"];
    else process.env["NODE_ENV"] = before;
  }
}

interface FrameReader {
  read(): Promise<{ done: boolean; value?: AudioFrame | undefined }>;
  cancel(): Promise<void>;
}

async function collect(reader: FrameReader, frames: HeardFrame[]): Promise<void> {
  for (;;) {
    const { done, value } = await reader.read();
    if (done || !value) return;
    frames.push({ atMs: performance.now(), samples: value.data });
  }
}

export function joinFrames(frames: readonly HeardFrame[] = []): Int16Array {
  const all = new Int16Array(frames.reduce((sum, frame) => sum + frame.samples.length, 0));
  let offset = 0;
  for (const frame of frames) {
    all.set(frame.samples, offset);
    offset += frame.samples.length;
  }
  return all;
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
