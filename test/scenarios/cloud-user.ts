// A user of the cloud: what an application's session holds, on this project's client. Glasses, their websocket and the
// microphone's switch are told by orders.

import { AudioManager } from "../../src/client/cloud/audio-manager.js";
import { LiveKitManager } from "../../src/client/cloud/livekit-manager.js";
import type { PlayAudioEventInfo } from "../../src/client/cloud/playback-handlers.js";
import { SpeakerManager } from "../../src/client/cloud/speaker-manager.js";
import type { PcmRequest, UrlRequest } from "../../src/client/cloud/speaker-manager.js";
import { LiveKitTokenService } from "../../src/client/cloud/token-service.js";
import type { ClientLogger } from "../../src/client/log.js";
import { Reception } from "./reception.js";
import { Recogniser } from "./recogniser.js";
import { report } from "./told.js";

const WEBSOCKET_OPEN = 1;
const WEBSOCKET_CLOSED = 3;

export class CloudUser {
  readonly userId: string;
  readonly logger: ClientLogger;
  readonly websocket = { readyState: WEBSOCKET_CLOSED };
  disconnectedAt: number | undefined;
  readonly audioManager: { processAudioData(pcm: Buffer): void };
  readonly liveKitManager: LiveKitManager;
  readonly #audio: AudioManager;
  readonly #speaker: SpeakerManager;
  readonly #reception: Reception;
  readonly #recogniser: Recogniser;
  #isDisposed = false;

  constructor(userId: string, logger: ClientLogger) {
    this.userId = userId;
    this.logger = logger;
    this.#reception = new Reception((silence) => report("audio", { user: userId, silence, atMs: Date.now() }));
    this.#recogniser = new Recogniser((caption) => logger.info({ userId, ...caption }, "Captions"));
    this.#audio = new AudioManager({ userId, logger, transcribe: (pcm) => this.#recogniser.take(pcm) });
    this.audioManager = {
      processAudioData: (pcm) => {
        this.#reception.add(pcm);
        this.#audio.processAudioData(pcm);
      },
    };
    this.liveKitManager = new LiveKitManager(this, { tokens: new ToldTokens(logger) });
    this.liveKitManager.on("audioUnavailable", (notice) => this.#told("audio-unavailable", notice));
    this.liveKitManager.on("audioAvailable", (notice) => this.#told("audio-available", notice));
    this.#speaker = new SpeakerManager(this);
  }

  /** The glasses' handshake, also when they come back. */
  async init() {
    this.websocket.readyState = WEBSOCKET_OPEN;
    this.disconnectedAt = undefined;
    const init = await this.liveKitManager.handleLiveKitInit();
    this.liveKitManager.onMicStateChange(true);
    return init;
  }

  /** Their websocket is gone; the session waits for them. */
  away(): void {
    this.websocket.readyState = WEBSOCKET_CLOSED;
    this.disconnectedAt = Date.now();
    this.liveKitManager.onMicStateChange(false);
  }

  /** Resolves with every event, when the last has come. */
  play(request: UrlRequest | PcmRequest): Promise<PlayAudioEventInfo[]> {
    const events: PlayAudioEventInfo[] = [];
    return new Promise((resolve, reject) => {
      const onEvent = (event: PlayAudioEventInfo) => {
        events.push(event);
        this.#told("play", event);
        if (event.type === "COMPLETED" || event.type === "FAILED") resolve(events);
      };
      this.#speaker.start({ ...request, onEvent }).catch(reject);
    });
  }

  stopPlaying(requestId?: string): Promise<void> {
    return this.#speaker.stop(requestId);
  }

  cadence() {
    return { cadence: this.#recogniser.report(), pacing: this.#audio.stats().pacing };
  }

  status() {
    const client = this.liveKitManager.getBridgeClient();
    return {
      reception: this.#reception.report(),
      isConnected: client?.isConnected() ?? false,
      isConnecting: client?.isConnecting() ?? false,
      joins: client?.client.stats.joins ?? 0,
    };
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#speaker.dispose();
    this.liveKitManager.dispose();
    this.#audio.dispose();
  }

  #told(what: string, fields: object): void {
    report(what, { user: this.userId, atMs: Date.now(), ...fields });
  }
}

/** The tokens of production, each of which is told to the test, and to nobody else. */
class ToldTokens extends LiveKitTokenService {
  constructor(logger: ClientLogger) {
    super({ logger });
  }

  override async mintAccessTokenAsync(...args: Parameters<LiveKitTokenService["mintAccessTokenAsync"]>) {
    const token = await super.mintAccessTokenAsync(...args);
    if (token !== null) report("token", { token });
    return token;
  }
}
