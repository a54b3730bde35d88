// A bridge for tests of the client: a real gRPC server in a process of Node of its own, which records what the client does and
// misbehaves as told. It runs the same under vitest on Node and under Bun's test runner, and holds no room and no session of
// LiveKit's.

import { setTimeout as sleep } from "node:timers/promises";
import type { Behaviours, Kind, RpcName } from "./behaviour.js";
import type {
  Counts,
  GoAwayOptions,
  ReceivedChunk,
  ReceivedTotals,
  RecordedCall,
  SendResult,
  SetParams,
  StreamEnd,
} from "./control.js";
import { ControlledProcess } from "./controlled-process.js";
import { addCounts, addReceived, NOTHING, NOTHING_OPEN, takeSnapshot } from "./past.js";
import type { ReceivedByUser, Snapshot } from "./past.js";

export interface StandInOptions extends Partial<Behaviours> {
  readonly kind: Kind;
  /** What it calls itself. "1.0.0" for an old one, "9.9.9" for a new one, if not said. */
  readonly version?: string;
}

export interface RestartOptions extends Partial<StandInOptions> {
  /** How long nobody listens at the address. 0: as short as it can be, some milliseconds. */
  readonly downMs?: number;
}

export interface Received {
  readonly chunks: readonly (Omit<ReceivedChunk, "pcm"> & { readonly pcm: Buffer | undefined })[];
  readonly totals: ReceivedTotals;
  /** All audio of a track that was kept, in order. */
  pcm(trackId?: number): Buffer;
}

export async function startStandIn(options: StandInOptions): Promise<StandIn> {
  const standIn = new StandIn(options);
  await standIn.restart();
  return standIn;
}

const running = new Set<StandIn>();

/** For `afterEach`: ends those that a test left behind. */
export async function stopStandIns(): Promise<void> {
  await Promise.all([...running].map((standIn) => standIn.stop()));
}

/**
 * Records answer for all processes that served at the address since the start, also while the present one is frozen or gone.
 * Whatever a client has had an answer to is in them.
 */
export class StandIn {
  #kind: Kind;
  #version: string | undefined;
  #port = 0;
  /** Absent between a kill and a restart. */
  #child: ControlledProcess | undefined;
  #frozen: Snapshot | undefined;
  #past: Snapshot = NOTHING;
  readonly #settings = new Map<string | undefined, Partial<Behaviours>>();

  constructor({ kind, version, ...behaviour }: StandInOptions) {
    this.#kind = kind;
    this.#version = version;
    this.#settings.set(undefined, behaviour);
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get pid(): number {
    return this.#running().pid;
  }

  /** Calls as they came, of one RPC and one user if said. */
  async calls(rpc?: RpcName, userId?: string): Promise<readonly RecordedCall[]> {
    const now = this.#frozen?.calls ?? (await this.#child?.ask("calls", null)) ?? [];
    return [...this.#past.calls, ...now].filter(
      (call) => (rpc === undefined || call.rpc === rpc) && (userId === undefined || call.userId === userId),
    );
  }

  async counts(): Promise<Counts> {
    const now = this.#frozen?.counts ?? (await this.#child?.ask("counts", null)) ?? NOTHING.counts;
    return addCounts(this.#past.counts, now);
  }

  /** What came up from a user. */
  async received(userId: string): Promise<Received> {
    const now = this.#frozen?.received ?? (await this.#child?.ask("received", null)) ?? {};
    return asReceived(addReceived(this.#past.received, now)[userId]);
  }

  /** From now on, and after a restart as well. `userId`: for this user only, before what holds for all. */
  async set(behaviour: Partial<Behaviours>, userId?: string): Promise<void> {
    this.#settings.set(userId, { ...this.#settings.get(userId), ...behaviour });
    await this.#running().ask("set", forUser(behaviour, userId));
  }

  /** For the next call of each RPC that is named, on top of what is set. Called several times, for as many calls. */
  async once(behaviour: Partial<Omit<Behaviours, "pings">>, userId?: string): Promise<void> {
    await this.#running().ask("once", forUser(behaviour, userId));
  }

  /**
   * Sends audio down the user's stream: these bytes, or so many bytes of samples that count up over the stream from 0 to
   * 32,767 and again. Resolves when the connection has taken them all.
   */
  async send(
    userId: string,
    chunks: readonly (Uint8Array | number)[],
    { everyMs = 0 }: { readonly everyMs?: number } = {},
  ): Promise<SendResult> {
    if (chunks.length > SEND_CHUNKS_MAX) throw new Error(`more than ${SEND_CHUNKS_MAX} chunks at once`);
    const lines = chunks.map((chunk) => (typeof chunk === "number" ? chunk : Buffer.from(chunk).toString("base64")));
    const limitMs = SEND_MAX_MS + everyMs * chunks.length;
    return this.#running().ask("send", { userId, chunks: lines, everyMs }, limitMs);
  }

  /** Ends the user's streams: OK without a reason if not said otherwise. Throws if there is none. */
  async endStream(userId: string, end: StreamEnd = {}): Promise<void> {
    const count = await this.#running().ask("endStreams", { userId, end });
    if (count === 0) throw new Error(`no stream of ${userId} is open`);
  }

  /** Ends all streams there are; returns how many. */
  async endAll(end: StreamEnd = {}): Promise<number> {
    return this.#running().ask("endStreams", { end });
  }

  /** Resets the TCP connections of the user, or all; returns how many. Who else is on them is cut as well. */
  async cut(userId?: string): Promise<number> {
    return this.#running().ask("cut", userId === undefined ? {} : { userId });
  }

  /** Tells clients by GOAWAY to open another connection; returns on how many this was said. */
  async goAway(options: GoAwayOptions = {}): Promise<number> {
    return this.#running().ask("goAway", options);
  }

  /** What a server of Go says and does to a client that pings too often. */
  async tooManyPings(connection?: number): Promise<number> {
    const options = { errorCode: 11, debugData: "too_many_pings", closes: true };
    return this.goAway(connection === undefined ? options : { ...options, connection });
  }

  /** The process stands still: its sockets stay open and nothing answers. */
  async freeze(): Promise<void> {
    const child = this.#running();
    this.#frozen = await takeSnapshot(child);
    child.freeze();
  }

  thaw(): void {
    this.#frozen = undefined;
    this.#child?.thaw();
  }

  /** Gone at once, as in a crash: nobody listens at the address until a restart. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#remember(this.#frozen ?? (await takeSnapshot(child)));
    await child.kill();
  }

  /** Another process at the same address, without sessions. The one before it is killed, if it still lives. */
  async restart({ kind = this.#kind, version, downMs = 0, ...behaviour }: RestartOptions = {}): Promise<void> {
    const next = new ControlledProcess();
    running.add(this);
    try {
      await next.ask("hello", null, START_MAX_MS);
      await this.kill();
      await sleep(downMs);
      this.#version = version ?? (kind === this.#kind ? this.#version : undefined);
      this.#kind = kind;
      this.#settings.set(undefined, { ...this.#settings.get(undefined), ...behaviour });
      this.#port = await next.ask("listen", {
        port: this.#port,
        kind,
        version: this.#version ?? VERSIONS[kind],
        connectionsBefore: this.#past.counts.connectionsEver,
        settings: [...this.#settings].map(([userId, settings]) => forUser(settings, userId)),
      });
      this.#child = next;
    } catch (error) {
      await next.kill();
      throw error;
    }
  }

  /** In the end. Idempotent; records can still be read. */
  async stop(): Promise<void> {
    running.delete(this);
    const child = this.#child;
    if (!child) return;
    this.#remember(this.#frozen ?? (await takeSnapshot(child).catch(() => NOTHING)));
    await child.end();
  }

  #remember({ calls, counts, received }: Snapshot): void {
    this.#child = undefined;
    this.#frozen = undefined;
    this.#past = {
      calls: [...this.#past.calls, ...calls],
      counts: { ...addCounts(this.#past.counts, counts), ...NOTHING_OPEN },
      received: addReceived(this.#past.received, received),
    };
  }

  #running(): ControlledProcess {
    if (this.#frozen) throw new Error("the stand-in is frozen: thaw it first");
    if (!this.#child) throw new Error("the stand-in is gone: restart it first");
    return this.#child;
  }
}

const START_MAX_MS = 20_000;
const SEND_MAX_MS = 10_000;
const SEND_CHUNKS_MAX = 20_000;
const VERSIONS: Readonly<Record<Kind, string>> = { new: "9.9.9", old: "1.0.0" };

function forUser(behaviour: Partial<Behaviours>, userId: string | undefined): SetParams {
  return userId === undefined ? { behaviour } : { behaviour, userId };
}

function asReceived(uplink: ReceivedByUser[string] | undefined): Received {
  const chunks = (uplink?.chunks ?? []).map(({ pcm, ...chunk }) => ({
    ...chunk,
    pcm: pcm === undefined ? undefined : Buffer.from(pcm, "base64"),
  }));
  return {
    chunks,
    totals: uplink?.totals ?? { chunks: 0, bytes: 0, heartbeats: 0, bytesByTrack: {} },
    pcm: (trackId = 0) =>
      Buffer.concat(chunks.flatMap((chunk) => (chunk.trackId === trackId ? (chunk.pcm ?? []) : []))),
  };
}
