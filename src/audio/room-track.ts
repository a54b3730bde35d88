// One named track of a session: published when it first has something to play, kept from then on.

import type { FrameSource, PublishedTrack, Room, TrackFormat } from "../livekit/room.js";
import type { CreateResampler } from "./resampler.js";
import { TrackMixer } from "./track-mixer.js";
import type { PcmFormat } from "./uplink-queue.js";
import { UplinkQueue } from "./uplink-queue.js";

export interface RoomTrackOptions {
  readonly name: string;
  readonly room: Room;
  readonly format: TrackFormat;
  readonly createResampler: CreateResampler;
  readonly queueMaxMs: number;
  /** After a refused publish audio is dropped for this long, then it is tried again. */
  readonly retryAfterMs: number;
  readonly now: () => number;
  readonly fault: (error: unknown) => void;
  readonly drained: () => void;
  readonly publishFailed: (name: string, error: unknown) => void;
  readonly dropped: (bytes: number) => void;
}

const RESUME_AFTER_MS = 500;
/**
 * An engine feeds a silent track for a while and then rests (30 s with rtc-node). Sound after a rest would be delayed by the
 * receiver's jitter buffer, which takes the pause for a slow network; a track that is published anew begins without a past,
 * and is heard as soon. So a track that was silent for longer than this is renewed for its next sound.
 */
const RENEW_AFTER_MS = 25_000;

export interface AttachedSource {
  /** The source has samples again. */
  wake(): void;
  /** Silent from the next frame on. */
  detach(): void;
}

export class RoomTrack {
  readonly #options: RoomTrackOptions;
  readonly #mixer = new TrackMixer();
  readonly #uplink: UplinkQueue;
  /** What to tell the sources when the track cannot be published. */
  readonly #sources = new Map<FrameSource, (error: unknown) => void>();
  #state: "unpublished" | "publishing" | "published" | "failed" | "closed" = "unpublished";
  #published: PublishedTrack | undefined;
  #failedAtMs = 0;
  #lastSoundAtMs = 0;

  constructor(options: RoomTrackOptions) {
    this.#options = options;
    const { format, createResampler, queueMaxMs, drained } = options;
    this.#uplink = new UplinkQueue({
      format,
      createResampler,
      pauseAboveMs: queueMaxMs,
      // Soon after, so that heartbeats behind the audio are read while their sender still waits for an echo.
      resumeBelowMs: Math.max(0, queueMaxMs - RESUME_AFTER_MS),
      drained,
    });
    this.#mixer.add(this.#uplink);
  }

  get queuedMs(): number {
    return this.#uplink.queuedMs;
  }

  /** Queues one chunk of uplink audio. Returns false when the writer should pause. */
  play(pcm: Uint8Array, format: PcmFormat): boolean {
    const { now, retryAfterMs } = this.#options;
    if (this.#state === "failed" && now() - this.#failedAtMs >= retryAfterMs) this.#state = "unpublished";
    if (this.#state === "failed" || this.#state === "closed") return this.skip(pcm, format);
    const isOpen = this.#uplink.push(pcm, format);
    this.#prepare();
    this.#published?.wake();
    return isOpen;
  }

  /** Drops one chunk, but not half a sample of it, so that what follows is still in step. */
  skip(pcm: Uint8Array, format: PcmFormat): true {
    this.#options.dropped(this.#uplink.skip(pcm, format));
    return true;
  }

  /** Another writer follows. */
  cut(): void {
    this.#options.dropped(this.#uplink.cut());
  }

  /** Plays a source beside the uplink. `failed` is called when the track cannot be published. */
  attach(source: FrameSource, failed: (error: unknown) => void): AttachedSource {
    this.#sources.set(source, failed);
    this.#mixer.add(source);
    if (this.#state === "failed") this.#state = "unpublished";
    this.#prepare();
    return {
      wake: () => this.#published?.wake(),
      detach: () => {
        this.#sources.delete(source);
        this.#mixer.remove(source);
      },
    };
  }

  /** Drops what waits. The room closes the track itself. */
  close(): void {
    this.#state = "closed";
    this.#published = undefined;
    this.#sources.clear();
    this.#options.dropped(this.#uplink.clear());
  }

  /** The pacer serves every session's tracks: what throws in one must not reach it. */
  #read(frame: Int16Array): number {
    try {
      const filled = this.#mixer.read(frame);
      if (filled > 0) this.#lastSoundAtMs = this.#options.now();
      return filled;
    } catch (error) {
      this.#options.fault(error);
      return 0;
    }
  }

  /** Sound is to come: publishes the track, or renews one that has rested. */
  #prepare(): void {
    if (this.#state === "unpublished") this.#publish();
    const rested = this.#published;
    if (!rested || this.#options.now() - this.#lastSoundAtMs < RENEW_AFTER_MS) return;
    this.#published = undefined;
    this.#state = "publishing";
    void rested.close().then(() => {
      if (this.#state === "publishing") this.#publish();
    });
  }

  #publish(): void {
    const { room, name, format, now, publishFailed, dropped } = this.#options;
    this.#state = "publishing";
    const source = { read: (frame: Int16Array) => this.#read(frame) };
    room.publishTrack(name, format, source).then(
      (published) => {
        if (this.#state === "closed") return;
        this.#state = "published";
        this.#lastSoundAtMs = now();
        this.#published = published;
        published.wake();
      },
      (error: unknown) => {
        if (this.#state === "closed") return;
        this.#state = "failed";
        this.#failedAtMs = now();
        dropped(this.#uplink.clear());
        publishFailed(name, error);
        for (const failed of this.#sources.values()) failed(error);
      },
    );
  }
}
