// What one user hears from the cloud, under its old name: plays URLs and PCM through the bridge client, knows which request
// plays, and tells the end of each exactly once, whichever way it ends.

import type { Clock } from "../clock.js";
import { systemClock } from "../clock.js";
import { BridgeClientError } from "../errors.js";
import type { ClientLogger } from "../log.js";
import { describeError } from "./describe-error.js";
import type { ManagedClient } from "./managed-client.js";
import type { PcmSource } from "./pcm-speech.js";
import { speak } from "./pcm-speech.js";
import type { PlayAudioEventInfo } from "./playback-handlers.js";

type SpeakerClient = Pick<ManagedClient, "client" | "playAudio" | "stopAudio" | "onPlayAudioEvent">;

export interface SpeakerUser {
  readonly userId: string;
  readonly logger: ClientLogger;
  readonly liveKitManager: {
    ensureBridgeConnected(): Promise<boolean>;
    getBridgeClient(): SpeakerClient | null;
  };
}

interface RequestBase {
  readonly requestId: string;
  /** 0 (`speaker`) by default. A newer request on the same track interrupts the older. */
  readonly trackId?: number;
  /** Interrupts what plays on all tracks. */
  readonly stopOther?: boolean;
  /** For this request alone; the last event is COMPLETED or FAILED. */
  readonly onEvent?: (event: PlayAudioEventInfo) => void;
}

export interface UrlRequest extends RequestBase {
  readonly url: string;
  /** 1 by default; 0 is silence. */
  readonly volume?: number;
}

export interface PcmRequest extends RequestBase {
  readonly pcm: PcmSource;
}

export type SpeakerRequest = UrlRequest | PcmRequest;

export interface SpeakerManagerOptions {
  /** Hears the events of all requests. */
  readonly onEvent?: (event: PlayAudioEventInfo) => void;
  readonly clock?: Clock;
}

interface Playing {
  readonly request: SpeakerRequest;
  readonly trackId: number;
  readonly abortion: AbortController;
  /** The bridge has it: its end is told by the bridge. */
  isWithBridge: boolean;
  hasStarted: boolean;
  positionMs: number;
}

export class SpeakerManager {
  readonly #user: SpeakerUser;
  readonly #options: SpeakerManagerOptions;
  readonly #clock: Clock;
  readonly #playing = new Map<string, Playing>();
  /** Takes the listener off the client that plays. */
  #unwatch: () => void = () => {};
  #isDisposed = false;

  constructor(userSession: SpeakerUser, options: SpeakerManagerOptions = {}) {
    this.#user = userSession;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Requests that have begun and not ended. */
  get playing(): readonly string[] {
    return [...this.#playing.keys()];
  }

  /** Whether the bridge is joined; tries to join it first, for as long as the manager does. Never rejects. */
  async ensureReady(): Promise<boolean> {
    return !this.#isDisposed && (await this.#user.liveKitManager.ensureBridgeConnected());
  }

  /** Resolves when the request is on its way; what becomes of it is told by events. Rejects only what cannot be asked for. */
  async start(request: SpeakerRequest): Promise<void> {
    this.#assertAllowed(request);
    const playing = newPlaying(request);
    this.#interrupt(playing);
    this.#playing.set(request.requestId, playing);
    if (this.#playing.size > REQUESTS_MAX) return this.#fail(playing, `more than ${REQUESTS_MAX} requests at once`);
    const isReady = await this.ensureReady();
    if (playing.abortion.signal.aborted) return;
    const client = this.#user.liveKitManager.getBridgeClient();
    if (!isReady || !client) return this.#fail(playing, "LiveKit room not connected");
    this.#watch(client);
    if ("pcm" in request) return void this.#speak(client, playing, request.pcm);
    await this.#play(client, playing, request);
  }

  /** That request, and nothing when it is not playing; everything without one. Rejects never. */
  async stop(requestId?: string): Promise<void> {
    const client = this.#user.liveKitManager.getBridgeClient();
    const stopped = [...this.#playing.values()].filter(
      ({ request }) => (requestId ?? request.requestId) === request.requestId,
    );
    for (const playing of stopped) if (!playing.isWithBridge) this.#fail(playing, "stopped");
    if (requestId !== undefined && !stopped.some(({ isWithBridge }) => isWithBridge)) return;
    await client?.stopAudio(requestId).catch((error: unknown) => this.#log("Stop failed", requestId, error));
  }

  /** Takes an event of the bridge; those of requests that are unknown or over go nowhere. */
  handleBridgeEvent(event: PlayAudioEventInfo): void {
    const playing = this.#playing.get(event.requestId);
    if (!playing?.isWithBridge) return;
    if (event.type === "COMPLETED" || event.type === "FAILED") return this.#end(playing, event);
    if (event.type === "STARTED" ? playing.hasStarted : event.positionMs <= playing.positionMs) return;
    playing.hasStarted = true;
    playing.positionMs = event.positionMs;
    this.#tell(playing, event);
  }

  /** Ends what plays, each with its last event, and is silent afterwards. Idempotent. */
  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    const client = this.#user.liveKitManager.getBridgeClient();
    for (const playing of this.#playing.values()) {
      const { isWithBridge, request } = playing;
      if (isWithBridge) void client?.stopAudio(request.requestId).catch(() => undefined);
      this.#fail(playing, "session closed");
    }
    this.#unwatch();
  }

  async #play(client: SpeakerClient, playing: Playing, request: UrlRequest): Promise<void> {
    const { requestId, url, volume, stopOther } = request;
    playing.isWithBridge = true;
    client.onPlayAudioEvent(requestId, (event) => {
      if (this.#playing.get(requestId) === playing) this.handleBridgeEvent(event);
    });
    const options = { ...(volume === undefined ? {} : { volume }), ...(stopOther === undefined ? {} : { stopOther }) };
    try {
      await client.playAudio({ requestId, url, trackId: playing.trackId, ...options });
    } catch (error) {
      this.#fail(playing, describeError(error));
    }
  }

  async #speak(client: SpeakerClient, playing: Playing, pcm: PcmSource): Promise<void> {
    const { trackId, abortion, request } = playing;
    const { requestId } = request;
    this.#tell(playing, eventOf("STARTED", requestId));
    try {
      const durationMs = await speak(client.client, pcm, { trackId, clock: this.#clock, signal: abortion.signal });
      this.#end(playing, { ...eventOf("COMPLETED", requestId), durationMs, positionMs: durationMs });
    } catch (error) {
      this.#fail(playing, describeError(error));
    }
  }

  /** The bridge interrupts what it has itself, unless it never hears of the newer request. */
  #interrupt({ request, trackId }: Playing): void {
    const isPcm = "pcm" in request;
    for (const other of this.#playing.values()) {
      if (other.trackId !== trackId && request.stopOther !== true) continue;
      if (!other.isWithBridge) this.#fail(other, `interrupted by ${request.requestId}`);
      else if (isPcm) void this.stop(other.request.requestId);
    }
  }

  /** A client that is disposed tells nothing more of what it played. */
  #watch({ client: core }: SpeakerClient): void {
    this.#unwatch();
    this.#unwatch = core.on("state", ({ state }) => {
      if (state !== "closed") return;
      for (const playing of this.#playing.values()) this.#fail(playing, "session closed");
      this.#unwatch();
    });
  }

  #fail(playing: Playing, error: string): void {
    this.#end(playing, {
      ...eventOf("FAILED", playing.request.requestId),
      positionMs: Math.max(0, playing.positionMs),
      error,
    });
  }

  #end(playing: Playing, event: PlayAudioEventInfo): void {
    const { requestId } = playing.request;
    if (this.#playing.get(requestId) !== playing) return;
    this.#playing.delete(requestId);
    playing.abortion.abort();
    this.#tell(playing, event);
  }

  #tell(playing: Playing, event: PlayAudioEventInfo): void {
    for (const listener of [playing.request.onEvent, this.#options.onEvent]) {
      try {
        listener?.(event);
      } catch (error) {
        this.#log("A listener of a playback failed", event.requestId, error);
      }
    }
  }

  #assertAllowed({ requestId }: SpeakerRequest): void {
    if (this.#isDisposed) throw new BridgeClientError("disposed", "SpeakerManager is disposed");
    if (requestId === "") throw new BridgeClientError("invalid_argument", "requestId must not be empty");
    if (this.#playing.has(requestId))
      throw new BridgeClientError("invalid_argument", `${requestId} is playing already`);
  }

  #log(message: string, requestId: string | undefined, error: unknown): void {
    const own = { feature: "livekit-grpc", userId: this.#user.userId, requestId };
    this.#user.logger.warn({ ...own, error: describeError(error) }, message);
  }
}

/** The bridge itself plays ten at once for a user. */
const REQUESTS_MAX = 32;

function newPlaying(request: SpeakerRequest): Playing {
  const { trackId = 0 } = request;
  return { request, trackId, abortion: new AbortController(), isWithBridge: false, hasStarted: false, positionMs: -1 };
}

function eventOf(type: PlayAudioEventInfo["type"], requestId: string): PlayAudioEventInfo {
  return { type, requestId, durationMs: 0, positionMs: 0, error: "", metadata: {} };
}
