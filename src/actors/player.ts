// Plays one URL on one track: fetch, decode, gain, channels, rate, clip. Each stage pulls the one before it, so a track that
// takes a second of audio a second lets the socket deliver no more. Its clean-up is the only place that ends any of it.

import { fromCallback } from "xstate";
import type { EventObject } from "xstate";
import { Clip } from "../audio/clip.js";
import type { DecodedAudio, DecodeLimits } from "../audio/decode/decode.js";
import { decodeAudio } from "../audio/decode/decode.js";
import { inStep } from "../audio/decode/step-queue.js";
import type { OpenedUrl } from "../audio/fetch/open-url.js";
import { amplify, remix } from "../audio/pcm.js";
import type { Resampler } from "../audio/resampler.js";
import type { AttachedSource } from "../audio/room-track.js";
import type { PlaybackEvent, PlayerInput } from "../machines/playback-context.js";
import { failureOf, TooManyTracks } from "./playback-failure.js";
import { total } from "./total.js";

const NOTHING = new Int16Array(0);

export interface PlayerParts {
  readonly openUrl: (url: string, signal: AbortSignal) => Promise<OpenedUrl>;
  readonly decodeLimits: DecodeLimits;
}

export function createPlayer(parts: PlayerParts) {
  return fromCallback<EventObject, PlayerInput>(({ input, sendBack }) => {
    const send = (event: PlaybackEvent) => sendBack(event);
    const player = new Player(parts, input, send);
    player.start();
    const stop = total(
      () => {},
      undefined,
      () => player.stop(),
    );
    input.scope.signal.addEventListener("abort", stop, { once: true });
    return () => {
      input.scope.signal.removeEventListener("abort", stop);
      stop();
    };
  });
}

class Player {
  readonly #parts: PlayerParts;
  readonly #input: PlayerInput;
  readonly #send: (event: PlaybackEvent) => void;
  readonly #abortion = new AbortController();
  readonly #clip: Clip;
  #source: AttachedSource | undefined;
  #opened: OpenedUrl | undefined;
  #decoded: DecodedAudio | undefined;
  #resampler: Resampler | undefined;

  constructor(parts: PlayerParts, input: PlayerInput, send: (event: PlaybackEvent) => void) {
    this.#parts = parts;
    this.#input = input;
    this.#send = send;
    const { port, room } = input;
    const fault = (error: unknown) => this.#fail(error);
    this.#clip = new Clip(room.trackFormat, {
      began: total(fault, undefined, () => send({ type: "player.began" })),
      progressed: total(fault, undefined, (positionMs) => port.progress(positionMs, this.#decoded?.durationMs)),
      finished: total(fault, undefined, (durationMs) => send({ type: "player.finished", durationMs })),
    });
  }

  start(): void {
    this.#play().catch((error: unknown) => this.#fail(error));
  }

  stop(): void {
    this.#source?.detach();
    this.#clip.clear();
    this.#abortion.abort();
    this.#decoded?.close();
    this.#opened?.close();
    this.#resampler?.close();
    this.#resampler = undefined;
  }

  async #play(): Promise<void> {
    const { port, room } = this.#input;
    const { signal } = this.#abortion;
    const { url, trackId } = port.request;
    const opened = await this.#parts.openUrl(url, signal);
    this.#opened = opened;
    if (signal.aborted) return opened.close();
    const decoded = await decodeAudio(opened.body, this.#parts.decodeLimits, signal);
    this.#decoded = decoded;
    if (signal.aborted) return decoded.close();
    this.#send({ type: "player.opened", media: this.#describe(decoded, opened) });
    if (!room.canPlayOn(trackId)) throw new TooManyTracks();
    this.#source = room.attachSource(trackId, this.#clip, (error) => this.#fail(error));
    for await (const samples of decoded.samples) {
      const converted = await this.#inStep(() => this.#convert(samples, decoded));
      if (signal.aborted) return;
      await this.#push(converted);
    }
    if (signal.aborted) return;
    if (this.#resampler) await this.#push(this.#resampler.flush());
    this.#clip.complete();
    this.#source.wake();
  }

  /**
   * Resampling costs more than decoding, and all clips of a process may ask in the same beat: it takes its turn with the
   * decoders. A player that was stopped meanwhile must not make another resampler, which nobody would free.
   */
  #inStep(convert: () => Int16Array): Promise<Int16Array> {
    return inStep(() => (this.#abortion.signal.aborted ? NOTHING : convert()));
  }

  #convert(samples: Int16Array, decoded: DecodedAudio): Int16Array {
    const { room, port } = this.#input;
    const { sampleRateHz, channels } = room.trackFormat;
    const mixed = remix(amplify(samples, port.request.volume), decoded.channels, channels);
    if (decoded.sampleRateHz === sampleRateHz) return mixed;
    this.#resampler ??= room.createResampler({
      inputRateHz: decoded.sampleRateHz,
      outputRateHz: sampleRateHz,
      channels,
    });
    return this.#resampler.process(mixed);
  }

  async #push(samples: Int16Array): Promise<void> {
    const taken = this.#clip.push(samples);
    this.#source?.wake();
    await taken;
  }

  #describe(decoded: DecodedAudio, opened: OpenedUrl): Record<string, string> {
    return {
      format: decoded.format,
      sample_rate: String(decoded.sampleRateHz),
      channels: String(decoded.channels),
      bytes: String(opened.sizeBytes ?? opened.bytesRead),
      content_type: opened.contentType,
    };
  }

  #fail(error: unknown): void {
    if (!this.#abortion.signal.aborted) this.#send({ type: "player.failed", failure: failureOf(error) });
  }
}
