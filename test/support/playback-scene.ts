// A real scene with a web server for audio that the bridge may fetch from, and users who hear what is played to them.

import type { AudioServer } from "./audio-server.js";
import { startAudioServer } from "./audio-server.js";
import type { PlayParams, TestClient, TestPlayback, TestStream } from "./old-client.js";
import type { RealScene } from "./real-scene.js";
import { startRealScene } from "./real-scene.js";
import type { RtcParticipant } from "./rtc-participant.js";
import { tone } from "./tone.js";
import { wavOf } from "./wav.js";

export interface PlaybackScene extends RealScene {
  readonly web: AudioServer;
  user(name: string): Promise<PlaybackUser>;
  /** URL of a WAV file with one tone, 48 kHz mono, peak 0.5. */
  toneUrl(frequencyHz: number, durationMs: number): string;
}

export interface PlaybackUser {
  readonly name: string;
  readonly client: TestClient;
  readonly phone: RtcParticipant;
  readonly stream: TestStream;
  play(url: string, changes?: Partial<PlayParams>): TestPlayback;
  leave(): Promise<void>;
}

export async function startPlaybackScene(): Promise<PlaybackScene> {
  const web = await startAudioServer();
  const scene = await startRealScene({ BRIDGE_AUDIO_ALLOWED: "127.0.0.0/8" });
  return {
    ...scene,
    web,
    async user(name) {
      const client = scene.client();
      const phone = await scene.phone(name, { isListening: true });
      const joined = await client.join(await scene.params(name));
      if (!joined.success) throw new Error(joined.error);
      const stream = client.stream(name);
      await stream.metadata;
      return {
        name,
        client,
        phone,
        stream,
        play: (url, changes) => client.play(name, url, changes),
        async leave() {
          await client.leave(name);
          client.close();
        },
      };
    },
    toneUrl(frequencyHz, durationMs) {
      return web.add(`/${frequencyHz}-${durationMs}.wav`, wavOf(tone({ frequencyHz, durationMs }), 48_000));
    },
    async stop() {
      await scene.stop();
      await web.close();
    },
  };
}

export function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
