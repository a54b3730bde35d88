// One user's LiveKit side in the cloud, under its old name: tokens for the phone, and one bridge client that is kept joined.
// The glasses' handshake never waits for a bridge that does not answer, nothing here ever has two clients, and a `dispose`
// wins over whatever is under way.

import type { Clock } from "../clock.js";
import { systemClock } from "../clock.js";
import { Emitter } from "../emitter.js";
import type { ClientLogger } from "../log.js";
import { withFields } from "../log.js";
import { within } from "../pause.js";
import { AudioGapWatch } from "./audio-gap-watch.js";
import { AudioNotice } from "./audio-notice.js";
import { BridgeLink } from "./bridge-link.js";
import type { BridgeStatusInfo } from "./bridge-status-info.js";
import { describeError } from "./describe-error.js";
import type { LiveKitGrpcClient } from "./livekit-grpc-client.js";
import type { ManagedClient } from "./managed-client.js";
import type { ManagedUser } from "./managed-user.js";
import type { ManagerLimits } from "./manager-limits.js";
import { checksStatus, managerLimits } from "./manager-limits.js";
import type {
  ClientFactory,
  LiveKitInit,
  LiveKitManagerEvents,
  LiveKitManagerOptions,
  ManagedRoomStatus,
  ManagerTokens,
} from "./manager-options.js";
import { oldNameFactory, roomStatusFrom } from "./manager-options.js";
import type { RoomStatus } from "./room-status.js";
import { silenceReason } from "./silence-reason.js";
import {
  LiveKitTokenService,
  mintAgentBridgeToken,
  mintAgentSubscribeToken,
  mintClientPublishToken,
  mintClientSubscribeToken,
} from "./token-service.js";

export class LiveKitManager<Client extends ManagedClient = LiveKitGrpcClient> {
  readonly #user: ManagedUser;
  readonly #clock: Clock;
  readonly #limits: ManagerLimits;
  readonly #logger: ClientLogger;
  /** The same when it is this manager's alone, so that its level may be set. */
  readonly #ownLogger: ClientLogger | undefined;
  readonly #tokens: ManagerTokens;
  readonly #rooms: () => RoomStatus | null;
  readonly #link: BridgeLink<Client>;
  readonly #notice: AudioNotice;
  readonly #gaps: AudioGapWatch;
  readonly #events: Emitter<LiveKitManagerEvents>;
  #isMicOn = false;
  #logLevel: string | undefined;
  /** What was last logged of the bridge's status: it is logged when it changes. */
  #lastStatus = "";

  constructor(user: ManagedUser, options: LiveKitManagerOptions<Client> = {}) {
    const { clock = systemClock, env = process.env } = options;
    const own = { feature: "livekit-grpc", service: "LiveKitManager", userId: user.userId, roomName: user.userId };
    this.#user = user;
    this.#clock = clock;
    this.#limits = managerLimits(env, options.limits);
    this.#ownLogger = user.logger.child?.(own);
    this.#logger = this.#ownLogger ?? withFields(user.logger, own);
    this.#tokens = options.tokens ?? new LiveKitTokenService({ env, logger: this.#logger });
    this.#rooms = () => options.rooms ?? roomStatusFrom(env, clock);
    this.#events = new Emitter(this.#logger);
    this.#events.on("audioUnavailable", (notice) => user.onAudioUnavailable?.(notice));
    this.#events.on("audioAvailable", (notice) => user.onAudioAvailable?.(notice));
    this.#notice = this.#createNotice();
    this.#link = new BridgeLink({
      clock,
      logger: this.#logger,
      limits: this.#limits,
      checksStatus: checksStatus(env),
      createClient: () => this.#createClient(options),
      joinParams: () => this.#joinParams(),
      down: () => this.#notice.down(),
      up: () => this.#notice.up(),
      ended: (reason) => this.#notice.ended(reason),
    });
    this.#gaps = this.#createGapWatch();
  }

  getRoomName(): string {
    return this.#user.userId;
  }

  /** LiveKit's address as the phone reaches it; empty if none is set. */
  getUrl(): string {
    return this.#tokens.getUrl();
  }

  /** Null without keys, as all of these. */
  mintClientPublishToken(): Promise<string | null> {
    return mintClientPublishToken(this.#tokens, this.#identity());
  }

  mintClientSubscribeToken(): Promise<string | null> {
    return mintClientSubscribeToken(this.#tokens, this.#identity());
  }

  mintAgentSubscribeToken(): Promise<string | null> {
    return mintAgentSubscribeToken(this.#tokens, this.#identity());
  }

  mintAgentBridgeToken(): Promise<string | null> {
    return mintAgentBridgeToken(this.#tokens, this.#identity());
  }

  /**
   * What the phone needs to join, and the bridge set to join as well; a bridge that fails changes nothing of the answer, and
   * is not waited for beyond `initWaitMaxMs`. Null without url or keys; rejects when no token can be minted for this user.
   */
  async handleLiveKitInit(): Promise<LiveKitInit | null> {
    const startMs = this.#clock.now();
    const url = this.getUrl();
    const roomName = this.getRoomName();
    const { initWaitMaxMs, tokenWaitMaxMs } = this.#limits;
    const token = await this.#within(this.mintClientPublishToken(), tokenWaitMaxMs, "the phone's token");
    if (url === "" || token === null) {
      this.#logger.warn({ hasUrl: url !== "", hasKeys: token !== null }, "LiveKit is not configured");
      return null;
    }
    const waitMs = Math.max(0, initWaitMaxMs - (this.#clock.now() - startMs));
    await this.#waitFor(this.#link.request("resume", "livekit_init"), waitMs);
    return { url, roomName, token };
  }

  /** Null before the first join was asked for, and after `dispose`. */
  getBridgeClient(): Client | null {
    return this.#link.client ?? null;
  }

  /** Resolves to whether the bridge is connected, after `readyWaitMaxMs` at the latest. Never rejects. */
  async ensureBridgeConnected(): Promise<boolean> {
    await this.#waitFor(this.#link.request("connect", "ensure"), this.#limits.readyWaitMaxMs);
    return this.#link.client?.isConnected() ?? false;
  }

  onMicStateChange(isOn: boolean): void {
    if (this.#link.isClosed) return;
    this.#isMicOn = isOn;
    if (!isOn) return this.#gaps.stop();
    this.#gaps.start();
    void this.#link.request("connect", "mic_on");
  }

  /** The bridge's own word, or why there is none; null without a client. Never rejects. */
  async getBridgeStatus(): Promise<BridgeStatusInfo | null> {
    const { client } = this.#link;
    if (!client) return null;
    const status = await this.#link.status(client);
    const text = JSON.stringify([status.connected, status.participant_id, status.last_disconnect_reason]);
    if (text !== this.#lastStatus) this.#logger.info({ event: "bridge_status", ...status }, "Bridge status fetched");
    this.#lastStatus = text;
    return status;
  }

  /** Joins anew, with a fresh token. Within the window after another join it does nothing more. Never rejects. */
  async rejoinBridge(): Promise<void> {
    await this.#link.request("rejoin", "rejoin_bridge");
  }

  /** As LiveKit sees the room; null without url or keys. Rejects when LiveKit does not answer. */
  async getRoomStatus(): Promise<ManagedRoomStatus | null> {
    const roomName = this.getRoomName();
    const status = await this.#rooms()?.getRoomStatus(roomName);
    if (!status) return null;
    const { clientInRoom, bridgeInRoom, participants } = status;
    const bridgeConnected = this.#link.client?.isConnected() ?? false;
    return { roomName, clientInRoom, bridgeInRoom, participants, micEnabled: this.#isMicOn, bridgeConnected };
  }

  /** Null without url or keys: it cannot be known. Rejects when LiveKit does not answer. */
  async isClientInRoom(): Promise<boolean | null> {
    return (await this.#rooms()?.isClientInRoom(this.getRoomName())) ?? null;
  }

  /** For this user alone, from now on. Needs a logger that can make children, as pino's. */
  setLogLevel(level: string): void {
    this.#logLevel = level;
    if (this.#ownLogger) this.#ownLogger.level = level;
    this.#link.client?.setLogLevel(level);
  }

  /** Returns the function that takes the listener off. */
  on<Name extends keyof LiveKitManagerEvents>(
    name: Name,
    listener: (event: LiveKitManagerEvents[Name]) => void,
  ): () => void {
    return this.#link.isClosed ? () => {} : this.#events.on(name, listener);
  }

  /** For good, and whatever is under way. Idempotent. */
  dispose(): void {
    this.#notice.close();
    this.#gaps.stop();
    this.#events.clear();
    this.#link.dispose();
  }

  #identity() {
    return { userId: this.#user.userId, logger: this.#logger };
  }

  async #joinParams() {
    const token = await this.mintAgentBridgeToken();
    if (token === null) return null;
    return { url: this.getUrl(), roomName: this.getRoomName(), token, targetIdentity: this.#user.userId };
  }

  #createClient({ createClient, client, bridgeUrl, env = process.env }: LiveKitManagerOptions<Client>): Client {
    const make = createClient ?? (oldNameFactory(bridgeUrl) as unknown as ClientFactory<Client>);
    const mintToken = () => this.mintAgentBridgeToken();
    const made = make(this.#user, { ...client, clock: this.#clock, env, mintToken });
    if (this.#logLevel !== undefined) made.setLogLevel(this.#logLevel);
    return made;
  }

  #createNotice(): AudioNotice {
    return new AudioNotice({
      clock: this.#clock,
      afterMs: this.#limits.audioUnavailableAfterMs,
      unavailable: (notice) => {
        this.#logger.warn({ ...notice }, "Audio unavailable");
        this.#events.emit("audioUnavailable", notice);
      },
      available: (notice) => {
        this.#logger.info({ ...notice }, "Audio available again");
        this.#events.emit("audioAvailable", notice);
      },
    });
  }

  #createGapWatch(): AudioGapWatch {
    return new AudioGapWatch({
      clock: this.#clock,
      logger: this.#logger,
      limits: this.#limits,
      lastAudioAtMs: () => this.#link.lastAudioAtMs,
      obstacle: () => this.#obstacle(),
      rejoin: () => this.#link.request("rejoin", "audio_gap"),
      silent: (gapMs) => this.#notice.silent(gapMs),
      heard: () => this.#notice.heard(),
    });
  }

  #obstacle(): string | undefined {
    if (this.#link.client?.isConnected() !== true) return "bridge not connected";
    const { pongAgeMaxMs } = this.#limits;
    try {
      return silenceReason(this.#user, { unixNowMs: this.#clock.wallNow(), pongAgeMaxMs });
    } catch (error) {
      this.#logger.error({ error: describeError(error) }, "The user session cannot tell why it is silent");
      return "unknown";
    }
  }

  /** Until then or `limitMs` at the latest; what it waits for goes on. */
  async #waitFor(promise: Promise<unknown>, limitMs: number): Promise<void> {
    await this.#within(promise, limitMs, "the bridge").catch(() => undefined);
  }

  #within<T>(promise: Promise<T>, limitMs: number, what: string): Promise<T> {
    return within(promise, { clock: this.#clock, limitMs, signal: NEVER, what });
  }
}

/** What waits here has a limit of its own, and its promise is settled by `dispose`. */
const NEVER = new AbortController().signal;
