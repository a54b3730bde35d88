// One PlayAudio call as a sequence of events with exactly one last: COMPLETED or FAILED. A call that dies without one gets a
// FAILED that says why.

import type { ClientReadableStream, StatusObject } from "@grpc/grpc-js";
import { status } from "@grpc/grpc-js";
import type { PlaybackEvent, PlayRequest } from "../bridge-client.js";
import type { Clock } from "../clock.js";
import { BridgeClientError } from "../errors.js";
import type { ClientLimits } from "../limits.js";
import { abortedBy } from "./calls.js";
import type { BridgeServiceClient } from "./definition.js";
import type { PlayAudioEventMessage } from "./messages.js";
import { routedMetadata } from "./routing.js";
import { fromStatus, withoutSecrets } from "./status-errors.js";

export interface PlaybackInput {
  readonly borrow: () => { readonly client: BridgeServiceClient; readonly release: () => void };
  readonly userId: string;
  readonly routingKey: string;
  readonly limits: ClientLimits;
  readonly clock: Clock;
  readonly request: PlayRequest & { readonly requestId: string };
  readonly signal: AbortSignal | undefined;
}

/** Events of one playback that wait for a slow reader. The bridge reports each 0.5 s. */
const QUEUE_MAX = 1000;

export async function* playback(input: PlaybackInput): AsyncGenerator<PlaybackEvent, void, undefined> {
  const { signal } = input;
  throwIfAborted(signal);
  const { client, release } = input.borrow();
  const events = new PlaybackEvents(input, open(input, client));
  const abort = () => events.cancel();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    for (;;) {
      const event = await events.next();
      throwIfAborted(signal);
      yield event;
      if (isLast(event)) return;
    }
  } finally {
    signal?.removeEventListener("abort", abort);
    events.cancel();
    release();
  }
}

function open({ limits, routingKey, userId, request }: PlaybackInput, client: BridgeServiceClient) {
  const { requestId, url, volume = 1, stopOther = false, trackId = 0 } = request;
  return client.playAudio(
    { request_id: requestId, audio_url: url, volume, stop_other: stopOther, user_id: userId, track_id: trackId },
    routedMetadata(routingKey),
    { deadline: Date.now() + limits.playbackMaxMs },
  );
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortedBy(signal, "PlayAudio");
}

const isLast = ({ type }: PlaybackEvent) => type === "COMPLETED" || type === "FAILED";

class PlaybackEvents {
  readonly #input: PlaybackInput;
  readonly #call: ClientReadableStream<PlayAudioEventMessage>;
  readonly #events: PlaybackEvent[] = [];
  #wake: (() => void) | undefined;
  #silence: unknown;
  #isOver = false;

  constructor(input: PlaybackInput, call: ClientReadableStream<PlayAudioEventMessage>) {
    this.#input = input;
    this.#call = call;
    call.on("data", (message: PlayAudioEventMessage) => this.#push(eventOf(message)));
    call.on("status", (end: StatusObject) => this.#ended(end));
    // What it says comes as the status, too.
    call.on("error", () => {});
    this.#watchSilence();
  }

  async next(): Promise<PlaybackEvent> {
    for (;;) {
      const event = this.#events.shift();
      if (event) return event;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  cancel(): void {
    this.#fail(new BridgeClientError("aborted", "PlayAudio: cancelled"));
    this.#call.cancel();
  }

  #push(event: PlaybackEvent): void {
    if (this.#isOver) return;
    this.#watchSilence();
    if (isLast(event)) this.#over();
    // A reader that sleeps misses progress, never the beginning or the end.
    if (this.#events.length < QUEUE_MAX || isLast(event)) this.#events.push(event);
    this.#wake?.();
  }

  #ended(end: StatusObject): void {
    const hasReason = end.code !== status.OK;
    this.#fail(
      hasReason ? fromStatus(end, "PlayAudio") : new BridgeClientError("internal", "PlayAudio: ended unfinished"),
    );
  }

  #fail(error: BridgeClientError): void {
    const { requestId } = this.#input.request;
    this.#push({ type: "FAILED", requestId, durationMs: 0, positionMs: 0, error: error.message, metadata: {} });
  }

  #watchSilence(): void {
    const { clock, limits } = this.#input;
    clock.clearTimeout(this.#silence);
    this.#silence = clock.setTimeout(() => {
      const text = `PlayAudio: nothing was heard of it for ${limits.playbackSilenceMaxMs} ms`;
      this.#fail(new BridgeClientError("deadline_exceeded", text));
      this.#call.cancel();
    }, limits.playbackSilenceMaxMs);
  }

  #over(): void {
    this.#isOver = true;
    this.#input.clock.clearTimeout(this.#silence);
  }
}

function eventOf(message: PlayAudioEventMessage): PlaybackEvent {
  return {
    type: message.type,
    requestId: message.request_id,
    durationMs: message.duration_ms,
    positionMs: message.position_ms,
    error: withoutSecrets(message.error),
    metadata: message.metadata,
  };
}
