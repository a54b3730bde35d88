// The client under its old name and with its old methods, for clouds that already call them. Beneath it is the same client
// as everywhere; what is new can be had from `client`.

import type { BridgeClient, BridgeClientOptions, JoinTarget } from "../bridge-client.js";
import { createBridgeClient } from "../create-bridge-client.js";
import { BridgeClientError } from "../errors.js";
import type { ClientLogger } from "../log.js";
import { withFields } from "../log.js";
import { bridgeAddress } from "./bridge-address.js";
import type { BridgeStatusInfo } from "./bridge-status-info.js";
import { failedStatus, statusInfo } from "./bridge-status-info.js";
import type { PlayAudioEventInfo, PlayAudioParams } from "./playback-handlers.js";
import { PlaybackHandlers } from "./playback-handlers.js";
import { isExpired } from "./token-expiry.js";

/** What the client needs of the cloud's user session. */
export interface ClientUserSession {
  readonly userId: string;
  readonly logger: ClientLogger;
  readonly audioManager: { processAudioData(pcm: Buffer): void };
  /** Where fresh bridge tokens come from. */
  readonly liveKitManager?: { mintAgentBridgeToken(): Promise<string | null> } | undefined;
}

export interface ConnectParams {
  readonly url: string;
  readonly roomName: string;
  readonly token: string;
  /** Whose microphone is wanted; the user's id by default. */
  readonly targetIdentity?: string;
}

export interface LiveKitGrpcClientOptions extends Pick<
  BridgeClientOptions,
  "limits" | "channels" | "clock" | "random" | "routingKey"
> {
  /** Where settings are read; `process.env` by default. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** A fresh bridge token for each join, null if there is none. The manager's by default. */
  readonly mintToken?: () => Promise<string | null>;
}

export class LiveKitGrpcClient {
  /** The client beneath: its events, its state, its figures. */
  readonly client: BridgeClient;
  readonly #session: ClientUserSession;
  readonly #logger: ClientLogger;
  readonly #mintToken: () => Promise<string | null>;
  readonly #playbacks: PlaybackHandlers;
  #params: ConnectParams | undefined;
  /** The token the caller gave, until it has been used once. */
  #givenToken: string | undefined;
  #isUplinkFull = false;

  constructor(userSession: ClientUserSession, bridgeUrl?: string, options: LiveKitGrpcClientOptions = {}) {
    const { env = process.env, mintToken, ...rest } = options;
    this.#session = userSession;
    this.#logger = userSession.logger.child?.({ service: "LiveKitGrpcClient" }) ?? userSession.logger;
    this.#mintToken = mintToken ?? (async () => (await userSession.liveKitManager?.mintAgentBridgeToken()) ?? null);
    this.client = createBridgeClient({
      ...rest,
      userId: userSession.userId,
      address: bridgeAddress(bridgeUrl, env),
      logger: this.#logger,
      join: () => this.#target(),
    });
    this.client.on("audio", ({ pcm }) => userSession.audioManager.processAudioData(pcm));
    this.#playbacks = new PlaybackHandlers(this.client, withFields(this.#logger, this.#own()));
  }

  /** Rejects with the bridge's error text when the first join fails; a pending attempt is joined. */
  connect(params: ConnectParams): Promise<void> {
    return this.#connect(params, false);
  }

  /** Like `connect`, but goes on trying behind the caller's back when the first join fails. */
  keepConnected(params: ConnectParams): Promise<void> {
    return this.#connect(params, true);
  }

  /** Leaves and joins again, with what is given changed and a fresh token. Goes on trying, as after any lost stream. */
  async rejoin(params: Partial<ConnectParams> = {}): Promise<void> {
    this.#assertAlive();
    const before = this.#params;
    const after = { ...before, ...params };
    if (after.url === undefined || after.roomName === undefined) {
      throw new BridgeClientError("invalid_argument", "rejoin needs the url and roomName of an earlier connect");
    }
    this.#adopt({ ...after, url: after.url, roomName: after.roomName, token: after.token ?? "" }, params.token);
    const isRestart = before !== undefined && leadsElsewhere(before, after);
    await this.#firstOutcome(() => this.client.rejoin({ retry: true, isRestart }));
  }

  /** Ends the stream and leaves the room. */
  disconnect(): Promise<void> {
    return this.client.disconnect("User disconnected");
  }

  /** For good. Idempotent. */
  dispose(): void {
    this.#playbacks.clear();
    void this.client.dispose();
  }

  /** True only while the bridge has accepted the stream. */
  isConnected(): boolean {
    return this.client.state === "streaming";
  }

  /** A join is under way, or waits for its turn. */
  isConnecting(): boolean {
    return this.client.state === "joining" || this.client.state === "waiting";
  }

  /** PCM16 little-endian, 16 kHz mono. What the bridge does not take is dropped, counted, and logged once per jam. */
  sendAudioChunk(pcm: Buffer): void {
    const isTaken = this.client.send(pcm);
    if (!isTaken && !this.#isUplinkFull) {
      const dropped = this.client.stats.bytesDroppedUplink;
      this.#logger.warn({ ...this.#own(), dropped, isConnected: this.isConnected() }, "Dropping uplink audio");
    }
    this.#isUplinkFull = !isTaken;
  }

  /** Resolves when the request is on its way; what becomes of it comes to the handler of `onPlayAudioEvent`. */
  async playAudio(params: PlayAudioParams): Promise<void> {
    this.#assertAlive();
    this.#playbacks.play(params);
  }

  playUrl(params: PlayAudioParams): Promise<void> {
    return this.playAudio(params);
  }

  /** Everything without a request id; that one playback with it. */
  async stopAudio(requestId?: string): Promise<void> {
    try {
      await this.client.stop(requestId === undefined ? {} : { requestId });
    } catch (error) {
      this.#logger.warn({ ...this.#own(), requestId, error: textOf(error) }, "StopAudio failed");
    }
  }

  stopPlayback(requestId?: string): Promise<void> {
    return this.stopAudio(requestId);
  }

  /** Every event of that playback, once each; the last is COMPLETED or FAILED. May be set before or after `playAudio`. */
  onPlayAudioEvent(requestId: string, handler: (event: PlayAudioEventInfo) => void): void {
    this.#playbacks.on(requestId, handler);
  }

  /** Never rejects. */
  async getStatus(): Promise<BridgeStatusInfo> {
    try {
      return statusInfo(await this.client.status());
    } catch (error) {
      return failedStatus(error);
    }
  }

  setLogLevel(level: string): void {
    // A logger that is not the user's own would change everybody's level.
    if (this.#logger !== this.#session.logger) this.#logger.level = level;
  }

  enableSubscribe(): void {}
  disableSubscribe(): void {}
  onEvent(): void {}

  async #connect(params: ConnectParams, isPersistent: boolean): Promise<void> {
    this.#assertAlive();
    const before = this.#params;
    // What is pending or up is joined, unless it leads somewhere else.
    const isWanted = this.isConnecting() || this.isConnected();
    const isRestart = isWanted && before !== undefined && leadsElsewhere(before, params);
    this.#adopt(params, params.token);
    if (isRestart) await this.#firstOutcome(() => this.client.rejoin({ retry: isPersistent, isRestart }));
    else await this.#firstOutcome(() => this.client.connect({ retry: isPersistent }));
  }

  /** The caller hears of the first failure, also when it is followed by another try. */
  async #firstOutcome(start: () => Promise<unknown>): Promise<void> {
    let off = () => {};
    const failed = new Promise<never>((_, reject) => {
      off = this.client.on("failed", ({ error }) => reject(error));
    });
    const streaming = start();
    // What becomes of the tries after the first is told by events.
    streaming.catch(() => {});
    try {
      await Promise.race([streaming, failed]);
    } catch (error) {
      this.#assertAlive();
      throw error;
    } finally {
      off();
      // Used, or not needed: a later join would find it old.
      this.#givenToken = undefined;
    }
  }

  #adopt(params: ConnectParams, givenToken: string | undefined): void {
    this.#params = params;
    this.#givenToken = givenToken;
  }

  async #target(): Promise<JoinTarget> {
    const params = this.#params;
    if (!params) throw new BridgeClientError("not_connected", "connect has never been called");
    const { url, roomName, targetIdentity = this.#session.userId } = params;
    const given = this.#givenToken;
    this.#givenToken = undefined;
    const token = given || (await this.#mintToken()) || params.token;
    if (isExpired(token))
      this.#logger.warn({ ...this.#own() }, "The bridge token has expired and nobody mints a new one");
    return { url, roomName, token, targetIdentity };
  }

  #assertAlive(): void {
    if (this.client.state === "closed") throw new BridgeClientError("disposed", "LiveKitGrpcClient is disposed");
  }

  #own() {
    return { feature: "livekit-grpc", userId: this.#session.userId };
  }
}

function leadsElsewhere(before: ConnectParams, after: Partial<ConnectParams>): boolean {
  return (
    before.url !== after.url || before.roomName !== after.roomName || before.targetIdentity !== after.targetIdentity
  );
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
