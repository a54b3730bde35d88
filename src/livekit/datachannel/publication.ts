// One published track of a room. It outlives the transport it plays over: after a reconnect from scratch it is published anew.

import { randomInt, randomUUID } from "node:crypto";
import { AddTrackRequest, TrackPublishedResponse, TrackType, type TrackInfo } from "@livekit/protocol";
import type { Pacer } from "../pacer.js";
import { TrackPublishError } from "../room.js";
import type { FrameSource, TrackFormat } from "../room.js";
import { createTrackFeeder, type TrackFeeder } from "../track-feeder.js";
import type { AudioSender } from "./audio-sender.js";
import type { Link } from "./link.js";
import { Milestone } from "./milestone.js";
import { createOpusEncoder, type OpusEncoder } from "./opus-encoder.js";
import type { CompleteOptions } from "./options.js";
import type { Turns } from "./turns.js";

export interface PublicationParts {
  readonly options: CompleteOptions;
  readonly pacer: Pacer;
  readonly turns: Turns;
  readonly name: string;
  readonly format: TrackFormat;
  readonly source: FrameSource;
}

/** What an Opus packet holds, and the beat of the pacer. */
export const FRAME_MS = 20;
const SAMPLES_PER_FRAME = 48 * FRAME_MS;
/** A longer pause than the pacer ever catches up on was one of the source. */
const PAUSE_MIN_FRAMES = 6;
/** Opus says by so few bytes that nothing has to be sent. */
const DTX_MAX_BYTES = 2;

export class Publication {
  readonly name: string;
  readonly #parts: PublicationParts;
  readonly #feeder: TrackFeeder;
  readonly #encoder: OpusEncoder;
  /** The frame that is encoded next; the feeder uses one array for all beats. */
  readonly #frame: Int16Array;
  readonly #encode = () => this.#encodeAndSend();
  #request = new AddTrackRequest();
  #published = new Milestone<TrackInfo>();
  #track: TrackInfo | undefined;
  #sender: AudioSender | undefined;
  #timestamp = randomInt(2 ** 31);
  #lastFrameAtMs = Number.NaN;
  #subscriberTimer: unknown;
  #hasFailed = false;

  constructor(parts: PublicationParts) {
    const { pacer, format, source, options, name } = parts;
    this.#parts = parts;
    this.name = name;
    this.#encoder = createOpusEncoder(format);
    this.#frame = new Int16Array(SAMPLES_PER_FRAME * format.channels);
    const emit = (frame: Int16Array) => this.#take(frame);
    this.#feeder = createTrackFeeder({ pacer, format, source, emit, silenceTailMs: options.silenceTailMs });
  }

  get sid(): string | undefined {
    return this.#track?.sid;
  }

  /** For the server, when the room is resumed. */
  get state(): TrackPublishedResponse[] {
    return this.#track ? [new TrackPublishedResponse({ cid: this.#request.cid, track: this.#track })] : [];
  }

  /** Asks for it and negotiates it. Rejects with an error of the link, or what the server said to `refused`. */
  async publish(link: Link): Promise<void> {
    const isStereo = this.#parts.format.channels === 2;
    const cid = randomUUID();
    this.#published = new Milestone();
    this.#request = new AddTrackRequest({ cid, name: this.name, type: TrackType.AUDIO, stereo: isStereo });
    if (!link.tell({ case: "addTrack", value: this.#request })) throw new Error("there is no connection to the server");
    const track = await link.whileOpen(this.#published.promise);
    this.#sender = link.addAudio({ trackId: cid, ssrc: randomInt(1, 2 ** 32), isStereo });
    try {
      await link.negotiate();
      await link.whileOpen(this.#sender.opened());
    } catch (error) {
      this.#dropSender(link);
      throw error;
    }
    this.#track = track;
  }

  /** Plays as soon as somebody hears it, or after a moment. */
  start(): void {
    const { clock, firstSubscriberWaitMs } = this.#parts.options;
    this.#subscriberTimer = clock.setTimeout(() => this.#feeder.start(), firstSubscriberWaitMs);
  }

  /** The server has taken a track of ours. */
  accepted({ cid, track }: TrackPublishedResponse): void {
    if (cid === this.#request.cid && track) this.#published.reach(track);
  }

  refused(cid: string, text: string): void {
    if (cid === this.#request.cid) this.#published.miss(new TrackPublishError("not_allowed", text));
  }

  /** Somebody hears it now. */
  subscribed(): void {
    if (this.#subscriberTimer === undefined) return;
    this.#parts.options.clock.clearTimeout(this.#subscriberTimer);
    this.#feeder.start();
  }

  wake(): void {
    this.#feeder.wake();
  }

  /** Plays nothing from now on. Idempotent, like all that follows. */
  stop(): void {
    this.#feeder.stop();
    this.#parts.turns.drop(this.#encode);
    if (this.#subscriberTimer !== undefined) this.#parts.options.clock.clearTimeout(this.#subscriberTimer);
  }

  async unpublish(link: Link): Promise<void> {
    if (!this.#sender) return;
    this.#dropSender(link);
    await link.negotiate();
  }

  release(): void {
    this.stop();
    this.#sender = undefined;
    this.#encoder.release();
  }

  #dropSender(link: Link): void {
    if (this.#sender) link.removeAudio(this.#sender);
    this.#sender = undefined;
    this.#track = undefined;
  }

  #take(frame: Int16Array): void {
    const { turns, options } = this.#parts;
    // The frame of the beat before has had 20 ms to be encoded; it goes first.
    turns.hurry(this.#encode);
    this.#frame.set(frame);
    this.#advance(options.clock.now());
    turns.take(this.#encode);
  }

  /** Time goes on while nothing is sent. */
  #advance(nowMs: number): void {
    const frames = Math.round((nowMs - this.#lastFrameAtMs) / FRAME_MS);
    this.#timestamp += SAMPLES_PER_FRAME * (frames >= PAUSE_MIN_FRAMES ? frames : 1);
    this.#lastFrameAtMs = nowMs;
  }

  #encodeAndSend(): void {
    try {
      const opus = this.#encoder.encode(this.#frame);
      if (opus.length > DTX_MAX_BYTES) this.#sender?.send(opus, this.#timestamp);
    } catch (error) {
      const { options, name } = this.#parts;
      if (!this.#hasFailed) options.logger.error({ err: error, track: name }, "a frame could not be sent");
      this.#hasFailed = true;
    }
  }
}
