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
const SAMPLES_PER_MS = 48;
const SAMPLES_PER_FRAME = SAMPLES_PER_MS * FRAME_MS;
/** By so few bytes Opus says that a pause has begun or goes on; receivers want to hear of the first. */
const DTX_MAX_BYTES = 2;
/** Between the server's word that somebody subscribes and their being able to hear. What was sent meanwhile they never get. */
const SUBSCRIBER_READY_MS = 60;
/** 20 ms of silence, as every Opus decoder reads it. */
const SILENT_FRAME = Uint8Array.of(0xf8, 0xff, 0xfe);

export class Publication {
  readonly name: string;
  readonly #parts: PublicationParts;
  readonly #feeder: TrackFeeder;
  readonly #encoder: OpusEncoder;
  /** The frame that is encoded next; the feeder uses one array for all beats. */
  readonly #frame: Int16Array;
  readonly #encode = () => this.#encodeAndSend();
  readonly #opening = { tick: (atMs: number) => this.#sendSilence(atMs) };
  #request = new AddTrackRequest();
  #published = new Milestone<TrackInfo>();
  #track: TrackInfo | undefined;
  #sender: AudioSender | undefined;
  /** The sender's; it goes with it. */
  #link: Link | undefined;
  #isStarted = false;
  readonly #firstTimestamp = randomInt(2 ** 31);
  #firstAtMs: number | undefined;
  /** Of the frame that is encoded next. */
  #timestamp = 0;
  #subscriberTimer: unknown;
  #isPausing = false;
  #hasFailed = false;

  constructor(parts: PublicationParts) {
    const { pacer, format, source, options, name } = parts;
    this.#parts = parts;
    this.name = name;
    this.#encoder = createOpusEncoder(format);
    this.#frame = new Int16Array(SAMPLES_PER_FRAME * format.channels);
    const emit = (frame: Int16Array, atMs: number) => this.#take(frame, atMs);
    this.#feeder = createTrackFeeder({ pacer, format, source, emit, silenceTailMs: options.silenceTailMs });
  }

  get sid(): string | undefined {
    return this.#track?.sid;
  }

  /** It is to be heard, whatever becomes of the link. */
  get isStarted(): boolean {
    return this.#isStarted;
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
    this.#link = link;
    try {
      await link.negotiate();
      await link.whileOpen(this.#sender.opened());
    } catch (error) {
      this.#dropSender(link);
      throw error;
    }
    this.#track = track;
  }

  /** Plays as soon as somebody hears it, or after a moment. Until then it sends silence: without packets nobody gets to hear it. */
  start(): void {
    const { options, pacer } = this.#parts;
    this.#isStarted = true;
    this.#subscriberTimer = options.clock.setTimeout(() => this.#play(), options.firstSubscriberWaitMs);
    pacer.add(this.#opening);
  }

  /** The server has taken a track of ours. */
  accepted({ cid, track }: TrackPublishedResponse): void {
    if (cid === this.#request.cid && track) this.#published.reach(track);
  }

  refused(cid: string, text: string): void {
    if (cid === this.#request.cid) this.#published.miss(new TrackPublishError("not_allowed", text));
  }

  /** Somebody is about to hear it: the server has told them how, a moment ago. */
  subscribed(): void {
    if (this.#subscriberTimer === undefined) return;
    const { clock } = this.#parts.options;
    this.#endOpening();
    this.#subscriberTimer = clock.setTimeout(() => this.#play(), SUBSCRIBER_READY_MS);
  }

  wake(): void {
    this.#feeder.wake();
  }

  /** Plays nothing from now on. Idempotent, like all that follows. */
  stop(): void {
    this.#isStarted = false;
    this.#feeder.stop();
    this.#parts.turns.drop(this.#encode);
    this.#endOpening();
  }

  /** Over a link that has taken the place of its own, there is nothing to take down. */
  async unpublish(link: Link): Promise<void> {
    if (!this.#sender || link !== this.#link) return;
    this.#dropSender(link);
    await link.negotiate();
  }

  release(): void {
    this.stop();
    this.#sender = undefined;
    this.#encoder.release();
  }

  #play(): void {
    this.#endOpening();
    this.#feeder.start();
  }

  #endOpening(): void {
    const { options, pacer } = this.#parts;
    if (this.#subscriberTimer !== undefined) options.clock.clearTimeout(this.#subscriberTimer);
    this.#subscriberTimer = undefined;
    pacer.remove(this.#opening);
  }

  #dropSender(link: Link): void {
    if (this.#sender) link.removeAudio(this.#sender);
    this.#sender = undefined;
    this.#track = undefined;
  }

  #sendSilence(atMs: number): void {
    this.#sender?.send(SILENT_FRAME, this.#timestampAt(atMs));
  }

  #take(frame: Int16Array, atMs: number): void {
    const { turns } = this.#parts;
    // The frame of the beat before has had 20 ms to be encoded; it goes first.
    turns.hurry(this.#encode);
    this.#frame.set(frame);
    this.#timestamp = this.#timestampAt(atMs);
    turns.take(this.#encode);
  }

  /** Time goes on while nothing is sent, to the sample: a receiver takes what is off for jitter, and stretches sound to match. */
  #timestampAt(atMs: number): number {
    this.#firstAtMs ??= atMs;
    return this.#firstTimestamp + Math.round((atMs - this.#firstAtMs) * SAMPLES_PER_MS);
  }

  #encodeAndSend(): void {
    try {
      const opus = this.#encoder.encode(this.#frame);
      const wasPausing = this.#isPausing;
      this.#isPausing = opus.length <= DTX_MAX_BYTES;
      if (!wasPausing || !this.#isPausing) this.#sender?.send(opus, this.#timestamp);
    } catch (error) {
      const { options, name } = this.#parts;
      if (!this.#hasFailed) options.logger.error({ err: error, track: name }, "a frame could not be sent");
      this.#hasFailed = true;
    }
  }
}
