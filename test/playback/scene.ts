// One bridge, one web server and a phone that listens, for the tests of playback.

import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import type { HeardFrame } from "../../src/livekit/embedded/participant.js";
import type { AudioServer } from "../support/audio-server.js";
import { startAudioServer } from "../support/audio-server.js";
import type { BridgeHarness, HarnessOptions } from "../support/embedded-bridge.js";
import { useEmbeddedBridge } from "../support/embedded-bridge.js";
import { eventually } from "../support/eventually.js";
import type { PlayParams, TestPlayback } from "../support/old-client.js";
import { level, tone } from "../support/tone.js";
import { wavOf } from "../support/wav.js";

/** gRPC status codes, by name. */
export const CODE = {
  OK: 0,
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  UNIMPLEMENTED: 12,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
} as const;

const AUDIBLE = 200;

export class Scene {
  readonly harness: BridgeHarness;
  readonly web: AudioServer;
  /** Frames by track, as the phone of `alice` heard them. */
  readonly heard = new Map<string, HeardFrame[]>();

  constructor(harness: BridgeHarness, web: AudioServer) {
    this.harness = harness;
    this.web = web;
  }

  /** A user and the phone in the user's room. */
  async join(user: string): Promise<void> {
    const frame = (heard: HeardFrame) => {
      if (user !== "alice") return;
      const frames = this.heard.get(heard.trackName) ?? [];
      this.heard.set(heard.trackName, frames);
      frames.push(heard);
    };
    await this.harness.rooms.join({ identity: user, room: user }, { frame });
    const joined = await this.harness.client.join(await this.harness.params(user));
    expect(joined).toMatchObject({ success: true });
  }

  play(url: string, changes: Partial<PlayParams> = {}, user = "alice"): TestPlayback {
    return this.harness.client.play(user, url, changes);
  }

  /** Plays and waits until its sound has begun. */
  async playing(url: string, changes: Partial<PlayParams> = {}): Promise<TestPlayback> {
    const play = this.play(url, changes);
    await eventually("the sound begins", () => play.types().includes("PROGRESS"));
    return play;
  }

  stop(fields: object = {}): Promise<{ success: boolean; error: string; stopped_request_id: string }> {
    return this.harness.client.stop({ user_id: "alice", request_id: "", reason: "test", ...fields });
  }

  /** A sine in a WAV file of its own, served. */
  tone(frequencyHz: number, durationMs: number, amplitude = 0.5, sampleRateHz = 48_000): string {
    const samples = tone({ frequencyHz, durationMs, sampleRateHz, amplitude });
    return this.web.add(`/${frequencyHz}-${durationMs}-${amplitude}-${sampleRateHz}.wav`, wavOf(samples, sampleRateHz));
  }

  /** A server that takes the request and never answers. */
  silentServer(): string {
    return this.web.add("/never", () => {});
  }

  samplesOn(track: string): Int16Array {
    const frames = this.heard.get(track) ?? [];
    const all = new Int16Array(frames.reduce((sum, { samples }) => sum + samples.length, 0));
    let at = 0;
    for (const { samples } of frames) {
      all.set(samples, at);
      at += samples.length;
    }
    return all;
  }

  /** What was heard on a track, from the first sound to the last. */
  soundOn(track: string): Int16Array {
    const all = this.samplesOn(track);
    const isSound = (sample: number) => Math.abs(sample) > AUDIBLE;
    return all.subarray(all.findIndex(isSound), all.findLastIndex(isSound) + 1);
  }

  /** Frames with sound since `atMs` of the system's clock. */
  audibleSince(atMs: number, track = "speaker"): number {
    const frames = this.heard.get(track) ?? [];
    return frames.filter(({ at, samples }) => at > atMs && level(samples) > 0.01).length;
  }

  playbacks(): number {
    return this.harness.bridge.backend.counts().playbacks;
  }

  /** The state of a user's session, as a path. */
  mediaState(): string {
    const { context, children } = this.harness.bridge.supervisor.getSnapshot();
    const slot = context.current.get("alice");
    const value: unknown = slot === undefined ? undefined : children[slot]?.getSnapshot().value;
    return /"media":"(\w+)"/.exec(JSON.stringify(value) ?? "")?.[1] ?? "none";
  }
}

/** A fresh bridge with alice in her room for each test; and after each, nothing is left of any playback. */
export function useScene(started: (scene: Scene) => void, options: HarnessOptions = {}): void {
  let web: AudioServer;
  let scene: Scene;
  let harness: BridgeHarness;
  beforeAll(async () => {
    web = await startAudioServer();
  });
  afterAll(() => web.close());
  const env = { BRIDGE_AUDIO_ALLOWED: "127.0.0.0/8", ...options.env };
  useEmbeddedBridge((fresh) => (harness = fresh), { ...options, env });
  beforeEach(async () => {
    scene = new Scene(harness, web);
    started(scene);
    await scene.join("alice");
  });
  afterEach(async () => {
    await eventually("no playback is left", () => scene.playbacks() === 0);
    await eventually("no download is left", () => web.open === 0, 2000);
  });
}

/** STARTED once, exactly one last event, every event with the request's id. */
export function expectOneEnd(play: TestPlayback, requestId: string): void {
  const types = play.events.map(({ type }) => type);
  expect(types.filter((type) => type === "STARTED").length).toBe(1);
  expect(types.filter((type) => type === "COMPLETED" || type === "FAILED").length).toBe(1);
  expect(types[0]).toBe("STARTED");
  expect(["COMPLETED", "FAILED"]).toContain(types.at(-1));
  expect(new Set(play.events.map(({ request_id }) => request_id))).toEqual(new Set([requestId]));
}

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
