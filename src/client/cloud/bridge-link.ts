// The one bridge client of a user, and the only place that sets off joins for it. The client itself tries again for ever
// once it has been up; what is decided here is when a trigger from outside (the glasses, the microphone, a play, a gap)
// makes it join, and when it is already taken care of.

import type { Clock } from "../clock.js";
import { BridgeClientError } from "../errors.js";
import type { ClientLogger } from "../log.js";
import { within } from "../pause.js";
import { describeError } from "./describe-error.js";
import type { BridgeStatusInfo } from "./bridge-status-info.js";
import { failedStatus } from "./bridge-status-info.js";
import type { ConnectParams } from "./livekit-grpc-client.js";
import type { ManagedClient } from "./managed-client.js";
import type { ManagerLimits } from "./manager-limits.js";
import { decideRejoin } from "./rejoin-decision.js";
import { RejoinWindow } from "./rejoin-window.js";

/** `connect`: be up or be trying. `resume`: the same, and do not believe what looks up. `rejoin`: join anew. */
export type Wish = "connect" | "resume" | "rejoin";

export interface BridgeLinkOptions<Client extends ManagedClient> {
  readonly clock: Clock;
  readonly logger: ClientLogger;
  readonly limits: ManagerLimits;
  /** Whether the bridge is asked before a stream that is up is kept. */
  readonly checksStatus: boolean;
  createClient(): Client;
  /** With a fresh token; `null` without keys. */
  joinParams(): Promise<ConnectParams | null>;
  down(): void;
  up(): void;
  ended(reason: string): void;
}

export class BridgeLink<Client extends ManagedClient> {
  readonly #options: BridgeLinkOptions<Client>;
  readonly #window: RejoinWindow;
  readonly #closing = new AbortController();
  #client: Client | undefined;
  #listeners: readonly (() => void)[] = [];
  #attempt: Promise<boolean> | undefined;

  constructor(options: BridgeLinkOptions<Client>) {
    this.#options = options;
    this.#window = new RejoinWindow(options.clock, options.limits.rejoinBackoffMs);
  }

  get client(): Client | undefined {
    return this.#client;
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Since the last microphone audio of this client; `undefined` before the first. */
  get lastAudioAtMs(): number | undefined {
    return this.#client?.client.stats.lastAudioAtMs;
  }

  /** Resolves to whether this call set off a join, when that is settled. Never rejects; bounded by the limits. */
  async request(wish: Wish, trigger: string): Promise<boolean> {
    if (this.isClosed) return false;
    const isUp = this.#client?.isConnected() === true;
    const isTrying = this.#client?.isConnecting() === true;
    if (this.#attempt) {
      if (wish !== "connect") this.#logSkipped(trigger);
      await this.#attempt;
      return false;
    }
    if (wish === "connect" && isUp) return false;
    if (wish === "connect" && isTrying) return this.#untilSettled();
    if (this.#window.remainingMs > 0) {
      this.#logSkipped(trigger);
      if (!isUp && !isTrying) await this.#window.defer(() => this.request("connect", trigger));
      return false;
    }
    this.#window.begin();
    const attempt = this.#run(wish, trigger);
    this.#attempt = attempt;
    const hasJoined = await attempt;
    this.#attempt = undefined;
    return hasJoined;
  }

  /** The bridge's own word, within the limits. */
  async status(client: Client): Promise<BridgeStatusInfo> {
    try {
      return await this.#within(client.getStatus(), this.#options.limits.statusWaitMaxMs, "GetStatus");
    } catch (error) {
      return failedStatus(error);
    }
  }

  /** For good, whatever is under way. */
  dispose(): void {
    if (this.isClosed) return;
    this.#closing.abort(new BridgeClientError("disposed", "LiveKitManager is disposed"));
    this.#window.close();
    this.#release();
  }

  async #run(wish: Wish, trigger: string): Promise<boolean> {
    try {
      const existing = this.#current();
      if (existing && wish === "resume" && !(await this.#isWorthRejoining(existing, trigger))) return false;
      const { joinParams, limits, logger } = this.#options;
      const params = await this.#within(joinParams(), limits.tokenWaitMaxMs, "the bridge's token");
      if (params === null) {
        logger.warn({ trigger }, "No bridge token: LiveKit's keys are missing");
        return false;
      }
      return await this.#join(params, trigger);
    } catch (error) {
      if (!this.isClosed)
        this.#options.logger.error({ trigger, error: describeError(error) }, "Bridge join not possible");
      return false;
    }
  }

  async #join(params: ConnectParams, trigger: string): Promise<boolean> {
    const { clock, limits, logger } = this.#options;
    const startMs = clock.now();
    const existing = this.#current();
    const client = existing ?? this.#create();
    const { state } = client.client;
    // The client's own retry has begun meanwhile, and is as fresh as a join would be.
    if (state === "joining") return this.#untilSettled();
    if (state !== "streaming") this.#options.down();
    try {
      const join = state === "idle" ? client.keepConnected(params) : client.rejoin(params);
      await this.#within(join, limits.joinWaitMaxMs, "the join");
      const fields = { event: "rejoin_result", trigger, connected: client.isConnected(), ms: clock.now() - startMs };
      if (existing) logger.info({ ...fields, ...membersOf(client) }, "Bridge rejoined");
    } catch (error) {
      if (this.isClosed) return false;
      const isTrying = client.isConnecting();
      logger.warn(
        { event: "rejoin_result", trigger, connected: false, isTrying, error: describeError(error) },
        "Bridge not joined",
      );
    }
    return true;
  }

  async #isWorthRejoining(client: Client, trigger: string): Promise<boolean> {
    const { checksStatus, clock, limits, logger } = this.#options;
    const { info, state } = client.client;
    logger.info({ event: "reconnect_detected", trigger, state }, "Reconnect detected");
    const status = state === "streaming" && checksStatus ? await this.status(client) : undefined;
    if (this.isClosed) return false;
    if (status) logger.info({ event: "bridge_status", ...status }, "Bridge status fetched");
    const lastMs = this.lastAudioAtMs;
    const decision = decideRejoin({
      state: client.client.state,
      isOldBridge: info?.bridgeVersion === undefined,
      status,
      audioAgeMs: lastMs === undefined ? undefined : clock.now() - lastMs,
      audioAgeMaxMs: limits.gapThresholdMs,
    });
    logger.info({ event: "decision", trigger, ...decision }, `Bridge decision: ${decision.action}`);
    if (decision.action === "keep-alive") await this.#untilSettled();
    return decision.action === "rejoin";
  }

  /** Resolves when nothing is being joined: at once, with the next state, or at the limit. Always to `false`. */
  async #untilSettled(): Promise<false> {
    const core = this.#client?.client;
    if (core?.state !== "joining") return false;
    let off = (): void => {};
    const settled = new Promise<void>((resolve) => {
      off = core.on("state", ({ state }) => {
        if (state !== "joining") resolve();
      });
    });
    await this.#within(settled, this.#options.limits.joinWaitMaxMs, "the join").catch(() => undefined);
    off();
    return false;
  }

  /** The client, unless the application has disposed it behind the manager's back. */
  #current(): Client | undefined {
    if (this.#client?.client.state === "closed") this.#release();
    return this.#client;
  }

  #create(): Client {
    const client = this.#options.createClient();
    const core = client.client;
    this.#client = client;
    this.#listeners = [
      core.on("streaming", () => this.#options.up()),
      core.on("state", ({ previous }) => {
        if (previous === "streaming") this.#options.down();
      }),
      core.on("ended", ({ reason }) => this.#options.ended(reason)),
    ];
    return client;
  }

  #release(): void {
    for (const off of this.#listeners) off();
    this.#listeners = [];
    this.#client?.dispose();
    this.#client = undefined;
  }

  #logSkipped(trigger: string): void {
    const isConnected = this.#client?.isConnected() ?? false;
    const isConnecting = this.#client?.isConnecting() ?? false;
    const remainingMs = Math.round(this.#window.remainingMs);
    this.#options.logger.info(
      { trigger, remainingMs, isConnected, isConnecting },
      "Skipping rejoin due to backoff window",
    );
  }

  #within<T>(promise: Promise<T>, limitMs: number, what: string): Promise<T> {
    return within(promise, { clock: this.#options.clock, limitMs, signal: this.#closing.signal, what });
  }
}

function membersOf(client: ManagedClient): object {
  const { info } = client.client;
  return { participant_id: info?.participantId ?? "", participant_count: info?.participantCount ?? 0 };
}
