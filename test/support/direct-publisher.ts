// The control of whatever is measured at the phone: a publisher on rtc-node's own classes in the same room. What it needs
// to be heard, and to fall silent, is what Opus, the server and the phone's jitter buffer take; the rest is the bridge's.

import type { RtcParticipant } from "./rtc-participant.js";
import { joinRtcParticipant } from "./rtc-participant.js";
import type { RealScene } from "./real-scene.js";

export interface DirectPublisher {
  /** Publishes its track if it has not yet, and plays. Returns the moment before. */
  play(samples: Int16Array): number;
  /** Drops what is queued. Returns the moment before. */
  stop(): number;
  leave(): Promise<void>;
}

const RATE_HZ = 48_000;
const FRAME_SAMPLES = RATE_HZ / 100;
/** Short, as a publisher would have it that must stop quickly; long enough for a late timer. */
const QUEUE_MS = 100;
const SILENCE_FRAMES = 100;

export async function joinDirectPublisher(
  scene: RealScene,
  { room, trackName }: { room: string; trackName: string },
): Promise<DirectPublisher> {
  const token = await scene.server.token(`direct:${trackName}`, room);
  const participant = await joinRtcParticipant(scene.server.url, token, { isListening: false });
  const rtc = await import("@livekit/rtc-node");
  const source = new rtc.AudioSource(RATE_HZ, 1, QUEUE_MS);
  const track = rtc.LocalAudioTrack.createAudioTrack(trackName, source);
  let turn = 0;
  let published: Promise<unknown> | undefined;

  const publish = () => (published ??= localOf(participant).publishTrack(track, new rtc.TrackPublishOptions()));

  async function capture(samples: Int16Array, ownTurn: number): Promise<void> {
    for (let at = 0; at + FRAME_SAMPLES <= samples.length; at += FRAME_SAMPLES) {
      if (turn !== ownTurn) return;
      const frame = samples.slice(at, at + FRAME_SAMPLES);
      await source.captureFrame(new rtc.AudioFrame(frame, RATE_HZ, 1, FRAME_SAMPLES));
    }
  }

  async function playThenSilence(samples: Int16Array, ownTurn: number): Promise<void> {
    await publish();
    await capture(samples, ownTurn);
    await capture(new Int16Array(FRAME_SAMPLES * SILENCE_FRAMES), ownTurn);
  }

  return {
    play(samples) {
      const atMs = performance.now();
      turn += 1;
      void playThenSilence(samples, turn).catch(() => undefined);
      return atMs;
    },
    stop() {
      const atMs = performance.now();
      turn += 1;
      source.clearQueue();
      void capture(new Int16Array(FRAME_SAMPLES * SILENCE_FRAMES), turn).catch(() => undefined);
      return atMs;
    },
    async leave() {
      turn += 1;
      await participant.leave();
    },
  };
}

function localOf({ room }: RtcParticipant) {
  if (!room.localParticipant) throw new Error("not in the room");
  return room.localParticipant;
}
