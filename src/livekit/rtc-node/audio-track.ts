// One published track: a native source without a queue of its own, fed ten milliseconds at a time by the shared pacer.
//
// A native source with a queue starts a thread and encodes silence for as long as it is published, about 3.5 % of a core
// when idle; one without costs nothing while nobody plays, but leaves the pacing to us.

import type { OwnedTrackPublication } from "@livekit/rtc-ffi-bindings";
import { AudioSourceType } from "@livekit/rtc-ffi-bindings/proto/audio_frame_pb.js";
import type { Pacer } from "../pacer.js";
import { TrackPublishError, type FrameSource, type TrackFormat } from "../room.js";
import { createTrackFeeder } from "../track-feeder.js";
import type { FfiClient } from "./ffi-client.js";
import type { CompleteOptions } from "./options.js";
import { LATE, within } from "../../within.js";

export interface AudioTrackParts {
  readonly client: FfiClient;
  readonly options: CompleteOptions;
  readonly pacer: Pacer;
  readonly localParticipantHandle: bigint;
  readonly name: string;
  readonly format: TrackFormat;
  readonly source: FrameSource;
  /** Aborts when the room begins to end. */
  readonly roomEnd: AbortSignal;
}

export interface AudioTrack {
  /** Rejects with `TrackPublishError`; a publication that comes later is taken back. */
  publish(): Promise<void>;
  wake(): void;
  /** LiveKit's id of the track; it changes when a reconnect publishes the track anew. */
  sid: string | undefined;
  /** Somebody hears the track now. */
  subscribed(): void;
  /** Plays nothing from now on. */
  stop(): void;
  /** Resolves when LiveKit has taken the track down, or at its time limit. Never rejects. */
  unpublish(): Promise<void>;
  /** Stops playing and drops every native object. Idempotent. */
  release(): void;
}

/** The pacer's beat, which is also the only frame length a source without a queue takes. */
export const FRAME_MS = 10;

export function createAudioTrack(parts: AudioTrackParts): AudioTrack {
  const { client, options, pacer, format, source, roomEnd } = parts;
  const { clock, logger } = options;
  const native = createNativeTrack(parts);
  const capture = createCapture(client, native.sourceHandle, format);
  let publicationHandle: bigint | undefined;
  let subscriberTimer: unknown;
  let hasFailed = false;

  const feeder = createTrackFeeder({ pacer, format, source, emit, silenceTailMs: options.silenceTailMs });

  function emit(frame: Int16Array): void {
    try {
      capture(frame);
    } catch (error) {
      if (!hasFailed) logger.error({ err: error, track: parts.name }, "audio frame refused");
      hasFailed = true;
    }
  }

  const track: AudioTrack = {
    sid: undefined,
    async publish() {
      const publication = await requestPublication(parts, native.trackHandle);
      publicationHandle = publication.handle?.id;
      track.sid = publication.info?.sid;
      if (roomEnd.aborted) throw new TrackPublishError("room_ended", "the room ended while a track was published");
      subscriberTimer = clock.setTimeout(() => feeder.start(), options.firstSubscriberWaitMs);
    },
    wake: () => feeder.wake(),
    subscribed() {
      if (subscriberTimer === undefined) return;
      clock.clearTimeout(subscriberTimer);
      feeder.start();
    },
    stop() {
      feeder.stop();
      if (subscriberTimer !== undefined) clock.clearTimeout(subscriberTimer);
    },
    unpublish: () => requestUnpublication(parts, track.sid),
    release() {
      track.stop();
      for (const handle of [publicationHandle, native.trackHandle, native.sourceHandle]) client.dropHandle(handle);
      publicationHandle = undefined;
    },
  };
  return track;
}

/** To be called only while connected: without a room, LiveKit builds a whole media engine for each track. */
function createNativeTrack({ client, format, name }: AudioTrackParts): { sourceHandle: bigint; trackHandle: bigint } {
  const { source } = client.ask({
    case: "newAudioSource",
    value: {
      type: AudioSourceType.AUDIO_SOURCE_NATIVE,
      sampleRate: format.sampleRateHz,
      numChannels: format.channels,
      queueSizeMs: 0,
    },
  });
  const sourceHandle = source?.handle?.id ?? 0n;
  try {
    const { track } = client.ask({ case: "createAudioTrack", value: { name, sourceHandle } });
    return { sourceHandle, trackHandle: track?.handle?.id ?? 0n };
  } catch (error) {
    client.dropHandle(sourceHandle);
    throw error;
  }
}

/**
 * Hands frames over. The native side copies the samples before it returns, and the feeder uses one array for all beats,
 * so the request is the same bytes every time and is encoded once.
 */
function createCapture(client: FfiClient, sourceHandle: bigint, format: TrackFormat): (frame: Int16Array) => void {
  const samplesPerChannel = (format.sampleRateHz / 1000) * FRAME_MS;
  let encodedFrame: Int16Array | undefined;
  let request: Uint8Array | undefined;
  return (frame) => {
    if (frame !== encodedFrame || !request) {
      if (frame.length !== samplesPerChannel * format.channels)
        throw new RangeError(`frame of ${frame.length} samples`);
      const bytes = new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength);
      request = client.encode({
        case: "captureAudioFrame",
        value: {
          sourceHandle,
          buffer: {
            dataPtr: client.retrievePtr(bytes),
            numChannels: format.channels,
            sampleRate: format.sampleRateHz,
            samplesPerChannel,
          },
        },
      });
      encodedFrame = frame;
    }
    client.requestBytes(request);
  };
}

async function requestPublication(parts: AudioTrackParts, trackHandle: bigint): Promise<OwnedTrackPublication> {
  const { client, options, localParticipantHandle, roomEnd } = parts;
  const answer = client.call({
    case: "publishTrack",
    value: { localParticipantHandle, trackHandle, options: {} },
  });
  const ended = whenAborted(roomEnd);
  const first = Promise.race([answer, ended.promise]).finally(ended.stop);
  const outcome = await within(options.clock, options.publishTimeoutMs, first);
  if (outcome === LATE || outcome === undefined) {
    void answer.then((late) => takeBack(parts, late.message.case === "publication" ? late.message.value : undefined));
    if (outcome === LATE) throw new TrackPublishError("timeout", "LiveKit did not answer in time");
    throw new TrackPublishError("room_ended", "the room ended while a track was published");
  }
  if (outcome.message.case === "publication") return outcome.message.value;
  throw toPublishError(outcome.message.value ?? "");
}

async function takeBack(parts: AudioTrackParts, publication: OwnedTrackPublication | undefined): Promise<void> {
  if (!publication) return;
  await requestUnpublication(parts, publication.info?.sid);
  parts.client.dropHandle(publication.handle?.id);
}

async function requestUnpublication(parts: AudioTrackParts, sid: string | undefined): Promise<void> {
  const { client, options, localParticipantHandle, roomEnd } = parts;
  // A sid of another form ends the whole process natively. A room that ends takes its tracks down itself.
  if (roomEnd.aborted || !sid?.startsWith("TR")) return;
  try {
    const value = { localParticipantHandle, trackSid: sid, stopOnUnpublish: true };
    const answer = client.call({ case: "unpublishTrack", value }, roomEnd);
    const ended = whenAborted(roomEnd);
    const first = Promise.race([answer, ended.promise]).finally(ended.stop);
    const outcome = await within(options.clock, options.unpublishTimeoutMs, first);
    if (outcome === LATE) options.logger.warn({ track: parts.name }, "unpublishing a track took too long");
  } catch (error) {
    options.logger.warn({ err: error, track: parts.name }, "unpublishing a track failed");
  }
}

function toPublishError(nativeText: string): TrackPublishError {
  if (/not.?allowed|permission/i.test(nativeText)) return new TrackPublishError("not_allowed", nativeText);
  if (/timed? ?out/i.test(nativeText)) return new TrackPublishError("timeout", nativeText);
  if (/closed/i.test(nativeText)) return new TrackPublishError("room_ended", nativeText);
  return new TrackPublishError("internal", nativeText);
}

function whenAborted(signal: AbortSignal): { promise: Promise<undefined>; stop: () => void } {
  let stop = (): void => undefined;
  const promise = new Promise<undefined>((resolve) => {
    const onAbort = (): void => resolve(undefined);
    stop = () => signal.removeEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
  return { promise, stop };
}
