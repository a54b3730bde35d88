// A stand-in bridge and its users, for tests that run under vitest on Node and under Bun's own runner alike. After every
// test it is proved that nothing is left: no connection, no call, no timer of any client, and no secret in any text.

import { afterAll, afterEach, beforeAll, expect } from "vitest";
import type {
  BridgeClient,
  BridgeClientOptions,
  ConnectionState,
  JoinTarget,
} from "../../../src/client/bridge-client.js";
import { systemClock } from "../../../src/client/clock.js";
import type { Clock } from "../../../src/client/clock.js";
import { createBridgeClient } from "../../../src/client/create-bridge-client.js";
import { BridgeClientError } from "../../../src/client/errors.js";
import type { ClientLimits } from "../../../src/client/limits.js";
import type { ClientLogger } from "../../../src/client/log.js";
import type { ChannelPool, ChannelPoolOptions } from "../../../src/client/wire/channel-pool.js";
import { createChannelPool } from "../../../src/client/wire/channel-pool.js";
import { eventually } from "../../support/eventually.js";
import { RPC_NAMES } from "../stand-in/behaviour.js";
import type { StandIn, StandInOptions } from "../stand-in/stand-in.js";
import { startStandIn } from "../stand-in/stand-in.js";

export interface Scene {
  readonly bridge: StandIn;
  /** A client of its own user, on a pool of its own unless told otherwise. Disposed after the test. */
  user(options?: UserOptions): User;
  /** A pool that is proved to be empty after the test. */
  pool(options?: Partial<ChannelPoolOptions>): ChannelPool;
  /** A token that looks like LiveKit's, and that no text may ever show. */
  token(): string;
  /** Collects all lines, at all levels. */
  readonly logger: ClientLogger;
  readonly lines: readonly LogLine[];
  /** Timers that are set by any client, and the way to set them. */
  readonly clock: Clock & { readonly pending: number };
  /** The error with which the promise rejects; throws if it does not. */
  failure(promise: Promise<unknown>): Promise<BridgeClientError>;
  /** Ends something of the test's own after it, before it is proved that nothing is left. */
  after(end: () => unknown): void;
}

export interface UserOptions extends Partial<Omit<BridgeClientOptions, "userId">> {
  readonly userId?: string;
}

export interface User {
  readonly userId: string;
  readonly client: BridgeClient;
  readonly channels: ChannelPool;
  readonly states: readonly ConnectionState[];
  readonly failures: readonly {
    readonly error: BridgeClientError;
    readonly attempt: number;
    readonly retryInMs?: number;
  }[];
  readonly ends: readonly string[];
  /** All microphone audio that a listener has had. */
  heard(): Buffer;
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Short where a test would wait, long where a slow machine would fail it. */
export const QUICK: Partial<ClientLimits> = {
  joinTimeoutMs: 4000,
  joinTargetTimeoutMs: 4000,
  connectTimeoutMs: 4000,
  callTimeoutMs: 2000,
  acceptTimeoutMs: 4000,
  assumedAcceptedAfterMs: 100,
  heartbeatIntervalMs: 1000,
  backoffBaseMs: 20,
  backoffMaxMs: 100,
  readySpreadMs: 20,
};

export const HOOK_MAX_MS = 40_000;

export function createScene(standIn: StandInOptions): Scene {
  const stage = new Stage();
  beforeAll(async () => stage.open(await startStandIn(standIn)), HOOK_MAX_MS);
  afterEach(() => stage.proveNothingIsLeft(), HOOK_MAX_MS);
  afterAll(() => stage.close(), HOOK_MAX_MS);
  return stage;
}

const LEFT_MAX_MS = 8000;
let numbers = 0;

class Stage implements Scene {
  readonly lines: LogLine[] = [];
  readonly logger: ClientLogger = {
    trace: this.#log("trace"),
    debug: this.#log("debug"),
    info: this.#log("info"),
    warn: this.#log("warn"),
    error: this.#log("error"),
  };
  readonly clock = countingClock();
  #bridge: StandIn | undefined;
  readonly #tokens: string[] = [];
  readonly #errors: unknown[] = [];
  readonly #pools = new Set<ChannelPool>();
  readonly #ends: (() => unknown)[] = [];

  get bridge(): StandIn {
    if (!this.#bridge) throw new Error("the stand-in has not started");
    return this.#bridge;
  }

  open(bridge: StandIn): void {
    this.#bridge = bridge;
  }

  async close(): Promise<void> {
    await this.#bridge?.stop();
  }

  token(): string {
    const part = (fields: object) => Buffer.from(JSON.stringify(fields)).toString("base64url");
    const number = (numbers += 1);
    const signature = Buffer.from(`signature number ${number} of this process`).toString("base64url");
    const token = `${part({ alg: "HS256" })}.${part({ jti: `token-${number}` })}.${signature}`;
    this.#tokens.push(token);
    return token;
  }

  pool(options: Partial<ChannelPoolOptions> = {}): ChannelPool {
    const pool = createChannelPool({ joinsPerSecondMax: 1000, clock: this.clock, ...options });
    this.#pools.add(pool);
    return pool;
  }

  after(end: () => unknown): void {
    this.#ends.push(end);
  }

  user({ userId = `user-${(numbers += 1)}`, channels = this.pool(), limits, ...options }: UserOptions = {}): User {
    const join = (): JoinTarget => ({ url: "", roomName: userId, token: this.token() });
    const { clock, logger } = this;
    const own = { userId, address: this.bridge.address, channels, join, clock, logger };
    const client = createBridgeClient({ ...own, ...options, limits: { ...QUICK, ...limits } });
    this.after(() => client.dispose());
    const states: ConnectionState[] = [];
    const failures: User["failures"][number][] = [];
    const ends: string[] = [];
    const heard: Buffer[] = [];
    client.on("state", ({ state }) => states.push(state));
    client.on("failed", (failure) => {
      failures.push(failure);
      this.#errors.push(failure.error);
    });
    client.on("ended", ({ reason }) => ends.push(reason));
    client.on("audio", ({ pcm }) => heard.push(Buffer.from(pcm)));
    return { userId, client, channels, states, failures, ends, heard: () => Buffer.concat(heard) };
  }

  async failure(promise: Promise<unknown>): Promise<BridgeClientError> {
    const error = await promise.then(
      () => new Error("it was fulfilled"),
      (thrown: unknown) => thrown,
    );
    this.#errors.push(error);
    if (error instanceof BridgeClientError) return error;
    throw error instanceof Error ? error : new Error(String(error));
  }

  async proveNothingIsLeft(): Promise<void> {
    const { bridge, clock } = this;
    await Promise.all(this.#ends.splice(0).map((end) => end()));
    const channels = () => [...this.#pools].reduce((sum, { channelCount }) => sum + channelCount, 0);
    await eventually("all channels of the clients closed", () => channels() === 0, LEFT_MAX_MS);
    await eventually("all timers of the clients cleared", () => clock.pending === 0, LEFT_MAX_MS);
    bridge.thaw();
    if (!isServing(bridge)) await bridge.restart();
    await eventually("all calls and connections over", () => isQuiet(bridge), LEFT_MAX_MS).catch(
      async (error: unknown) => {
        const open = (await bridge.calls()).filter(({ outcome }) => outcome === undefined);
        throw new Error(`left: ${JSON.stringify([await bridge.counts(), open])}`, { cause: error });
      },
    );
    this.#pools.clear();
    this.#proveSecrecy();
    await bridge.set(Object.fromEntries(RPC_NAMES.map((rpc) => [rpc, {}])));
  }

  /** Of the tests so far: what one has logged may show the token of another. */
  #proveSecrecy(): void {
    const texts = [this.lines.map((line) => shown(line)), this.#errors.map((error) => shown(error))].join("\n");
    for (const token of this.#tokens) expect(texts.includes(token), "a token in a log line or an error").toBe(false);
    for (const token of this.#tokens) {
      expect(texts.includes(token.split(".")[2] ?? ""), "a token's signature in a log line or an error").toBe(false);
    }
  }

  #log(level: string) {
    return (fields: object, message: string) => {
      this.lines.push({ level, message, fields: fields as Record<string, unknown> });
    };
  }
}

function isServing(bridge: StandIn): boolean {
  try {
    return bridge.pid > 0;
  } catch {
    return false;
  }
}

async function isQuiet(bridge: StandIn): Promise<boolean> {
  const { streams, connections, openCalls } = await bridge.counts();
  return streams === 0 && connections === 0 && Object.values(openCalls).every((count) => count === 0);
}

/** Everything an error or a log line would show when printed with all its causes. */
function shown(value: unknown): string {
  if (!(value instanceof Error)) {
    return JSON.stringify(value, (_, inner: unknown) => (inner instanceof Error ? shown(inner) : inner)) ?? "";
  }
  return [value.message, value.stack, JSON.stringify(Object.entries(value)), shown(value.cause ?? "")].join("\n");
}

function countingClock(): Scene["clock"] {
  const timers = new Set<object>();
  return {
    now: () => systemClock.now(),
    wallNow: () => systemClock.wallNow(),
    setTimeout(handler, delayMs) {
      const timer = { id: undefined as unknown };
      timers.add(timer);
      timer.id = systemClock.setTimeout(() => {
        timers.delete(timer);
        handler();
      }, delayMs);
      return timer;
    },
    clearTimeout(timer) {
      if (!timer) return;
      timers.delete(timer);
      systemClock.clearTimeout((timer as { id: unknown }).id);
    },
    get pending() {
      return timers.size;
    },
  };
}
