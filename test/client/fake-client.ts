// A bridge client of the old name without a bridge: joins take the time and end the way a test says, on its clock.

import type { BridgeClientEvents, ConnectionState, JoinInfo } from "../../src/client/bridge-client.js";
import type { BridgeStatusInfo } from "../../src/client/cloud/bridge-status-info.js";
import type { ConnectParams } from "../../src/client/cloud/livekit-grpc-client.js";
import type { ManagedClient } from "../../src/client/cloud/managed-client.js";
import type { PlayAudioEventInfo, PlayAudioParams } from "../../src/client/cloud/playback-handlers.js";
import { Emitter } from "../../src/client/emitter.js";
import { BridgeClientError } from "../../src/client/errors.js";
import { silentLogger } from "../../src/client/log.js";
import type { SimulatedClock } from "../support/simulated-clock.js";

export interface FakeSettings {
  /** How long a join takes. */
  joinMs: number;
  /** Text of the bridge's refusal; joins work without one. */
  failure: string | undefined;
  /** A join never ends. */
  hangs: boolean;
  bridgeVersion: string | undefined;
  status: Partial<BridgeStatusInfo>;
  statusHangs: boolean;
}

export class FakeClient implements ManagedClient {
  readonly settings: FakeSettings;
  readonly emitter = new Emitter<BridgeClientEvents>(silentLogger);
  readonly joins: { readonly kind: "keepConnected" | "rejoin"; readonly atMs: number; readonly params: object }[] = [];
  readonly plays: PlayAudioParams[] = [];
  readonly stops: (string | undefined)[] = [];
  readonly sent: { readonly bytes: number; readonly trackId: number; readonly atMs: number }[] = [];
  readonly levels: string[] = [];
  readonly handlers = new Map<string, (event: PlayAudioEventInfo) => void>();
  statusCalls = 0;
  takesAudio = true;
  playFailure: Error | undefined;
  readonly #clock: SimulatedClock;
  #state: ConnectionState = "idle";
  #lastAudioAtMs: number | undefined;
  #abandon: ((error: Error) => void) | undefined;

  constructor(clock: SimulatedClock, settings: Partial<FakeSettings> = {}) {
    this.#clock = clock;
    this.settings = {
      joinMs: 100,
      failure: undefined,
      hangs: false,
      bridgeVersion: "9.9.9",
      status: {},
      statusHangs: false,
      ...settings,
    };
  }

  get client() {
    return {
      address: "bridge:9090",
      state: this.#state,
      info: this.#info(),
      stats: {
        joins: this.joins.length,
        chunksReceived: 0,
        bytesReceived: 0,
        bytesDroppedDownlink: 0,
        bytesSent: 0,
        bytesDroppedUplink: 0,
        lastAudioAtMs: this.#lastAudioAtMs,
      },
      on: this.emitter.on.bind(this.emitter),
      send: (pcm: Uint8Array, { trackId = 0 }: { readonly trackId?: number } = {}) => {
        if (this.takesAudio) this.sent.push({ bytes: pcm.length, trackId, atMs: this.#clock.now() });
        return this.takesAudio;
      },
      ready: async () => {
        if (!this.takesAudio) throw new BridgeClientError("not_connected", "no stream is up");
      },
    };
  }

  keepConnected(params: ConnectParams): Promise<void> {
    return this.#join("keepConnected", params);
  }

  rejoin(params: Partial<ConnectParams> = {}): Promise<void> {
    return this.#join("rejoin", params);
  }

  /** Takes no listener off, so that tests see who leaves one behind. */
  dispose(): void {
    this.#enter("closed");
    this.#abandon?.(new BridgeClientError("disposed", "the client is disposed"));
  }

  isConnected(): boolean {
    return this.#state === "streaming";
  }

  isConnecting(): boolean {
    return this.#state === "joining" || this.#state === "waiting";
  }

  async playAudio(params: PlayAudioParams): Promise<void> {
    if (this.playFailure) throw this.playFailure;
    this.plays.push(params);
  }

  async stopAudio(requestId?: string): Promise<void> {
    this.stops.push(requestId);
  }

  onPlayAudioEvent(requestId: string, handler: (event: PlayAudioEventInfo) => void): void {
    this.handlers.set(requestId, handler);
  }

  getStatus(): Promise<BridgeStatusInfo> {
    this.statusCalls += 1;
    if (this.settings.statusHangs) return new Promise(() => {});
    const connected = this.isConnected();
    const usual = { connected, participant_id: "cloud-agent:alice", participant_count: 2, server_version: "9.9.9" };
    return Promise.resolve({ ...usual, last_disconnect_at: 0, last_disconnect_reason: "", ...this.settings.status });
  }

  setLogLevel(level: string): void {
    this.levels.push(level);
  }

  /** Microphone audio has come. */
  hear(): void {
    this.#lastAudioAtMs = this.#clock.now();
  }

  /** The bridge ended the stream in order, and the client stays out. */
  kick(reason: string): void {
    this.#enter("idle");
    this.emitter.emit("ended", { reason });
  }

  /** The stream broke, and the client waits for its next try. */
  lose(): void {
    this.#enter("waiting");
  }

  /** The client's own next try. */
  async retry(): Promise<void> {
    this.#enter("joining");
    await this.#outcome();
  }

  async #join(kind: "keepConnected" | "rejoin", params: object): Promise<void> {
    if (this.#state === "closed") throw new BridgeClientError("disposed", "LiveKitGrpcClient is disposed");
    this.joins.push({ kind, atMs: this.#clock.now(), params });
    this.#enter("joining");
    await this.#outcome();
  }

  async #outcome(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#abandon = reject;
      if (!this.settings.hangs) this.#clock.setTimeout(resolve, this.settings.joinMs);
    });
    if (this.#state !== "joining") return;
    const { failure } = this.settings;
    this.#enter(failure === undefined ? "streaming" : "waiting");
    if (failure !== undefined) throw new BridgeClientError("join_failed", failure);
    const info = this.#info();
    if (info) this.emitter.emit("streaming", info);
  }

  #enter(state: ConnectionState): void {
    const previous = this.#state;
    this.#state = state;
    if (state !== previous) this.emitter.emit("state", { state, previous });
  }

  #info(): JoinInfo | undefined {
    const { bridgeVersion } = this.settings;
    if (this.joins.length === 0) return undefined;
    return { participantId: "cloud-agent:alice", participantCount: 2, bridgeVersion, session: undefined };
  }
}
