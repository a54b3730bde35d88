// The cloud: users on the real client library, all on one pool of connections, as a cloud has them.

import type { BridgeClient } from "../../../src/client/bridge-client.js";
import { createBridgeClient } from "../../../src/client/create-bridge-client.js";
import { BridgeClientError } from "../../../src/client/errors.js";
import type { Access } from "../access.js";
import { bridgeIdentity, mintToken } from "../access.js";
import { monotonicMs } from "../monotonic.js";
import { pace } from "../pace.js";
import { serve } from "../serve.js";
import { playOnce, speakBursts } from "../sounds.js";
import type { PlayedSound, SoundPlan, Spoke } from "../sounds.js";
import type { Reception } from "../tally.js";
import { Tally } from "../tally.js";

/** Times from `connect()`, in milliseconds, of the joins that worked. */
export interface JoinTimes {
  readonly joinedMs: Float64Array;
  readonly streamingMs: Float64Array;
  readonly failures: readonly string[];
}

export interface ReplaceTimes extends JoinTimes {
  /** Of the sessions replaced, those whose client was told so. */
  readonly told: number;
}

export interface Knocks {
  readonly admitted: number;
  /** By the code of the error. */
  readonly refused: Readonly<Record<string, number>>;
}

const KNOCK_EVERY_MS = 1000;
const TOLD_MAX_MS = 5000;

let access: Access;
let address = "";
let tally: Tally | undefined;
const clients: BridgeClient[] = [];

class JoinLog {
  readonly #joinedMs: number[] = [];
  readonly #streamingMs: number[] = [];
  readonly #failures: string[] = [];

  /** The client, streaming, or undefined when it failed. */
  async connect(userId: string): Promise<BridgeClient | undefined> {
    const client = create(userId);
    const startMs = monotonicMs();
    let joinedMs = Number.NaN;
    const off = client.on("joined", () => (joinedMs = monotonicMs() - startMs));
    try {
      await client.connect({ retry: false });
      this.#streamingMs.push(monotonicMs() - startMs);
      this.#joinedMs.push(joinedMs);
      return client;
    } catch (error) {
      this.#failures.push(error instanceof Error ? error.message : String(error));
      await client.dispose();
      return undefined;
    } finally {
      off();
    }
  }

  times(): JoinTimes {
    return {
      joinedMs: Float64Array.from(this.#joinedMs),
      streamingMs: Float64Array.from(this.#streamingMs),
      failures: this.#failures,
    };
  }
}

function create(userId: string): BridgeClient {
  const join = async () => ({
    url: access.url,
    roomName: userId,
    token: await mintToken(access, bridgeIdentity(userId), userId),
  });
  const client = createBridgeClient({ userId, address, join });
  client.on("audio", ({ pcm }) => tally?.take(pcm));
  return client;
}

/** Starts a job every `everyMs`, and waits for all of them. */
async function atPace(count: number, everyMs: number, job: (index: number) => Promise<void>): Promise<Float64Array> {
  const jobs: Promise<void>[] = [];
  const lateMs = await pace({ startMs: monotonicMs(), gapMs: everyMs, count, send: (index) => jobs.push(job(index)) });
  await Promise.all(jobs);
  return lateMs;
}

async function replace(log: JoinLog, index: number): Promise<boolean> {
  const old = clients[index];
  if (!old) return false;
  let isTold = false;
  const told = new Promise<void>((resolve) => {
    old.on("ended", ({ reason }) => {
      isTold = reason === "replaced";
      resolve();
    });
    setTimeout(resolve, TOLD_MAX_MS).unref();
  });
  const next = await log.connect(old.userId);
  if (!next) return false;
  await told;
  await old.dispose();
  clients[index] = next;
  return isTold;
}

const duties = {
  async enter(input: { access: Access; address: string }): Promise<void> {
    ({ access, address } = input);
  },

  async join({ users, everyMs }: { users: readonly string[]; everyMs: number }): Promise<JoinTimes> {
    const log = new JoinLog();
    await atPace(users.length, everyMs, async (index) => {
      const client = await log.connect(users[index] ?? "");
      if (client) clients[index] = client;
    });
    return log.times();
  },

  async listen({ phase, users }: { phase: number; users: number }): Promise<void> {
    tally = new Tally(phase, users);
  },

  async count(): Promise<number> {
    return tally?.count ?? 0;
  },

  async heard(): Promise<Reception> {
    return (tally ?? new Tally(0, 0)).reception();
  },

  /** Each lane is a user who joins, streams and leaves again. At most one cycle per lane and `everyMs`. */
  async churn(input: { lanes: readonly string[]; cycles: number; everyMs: number }): Promise<JoinTimes> {
    const log = new JoinLog();
    let left = input.cycles;
    const lane = async (userId: string) => {
      while (left > 0) {
        left -= 1;
        const startMs = monotonicMs();
        const client = await log.connect(userId);
        await client?.dispose();
        const restMs = startMs + input.everyMs - monotonicMs();
        if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs));
      }
    };
    await Promise.all(input.lanes.map(lane));
    return log.times();
  },

  /** Joins over the sessions of all users but the first, one after another. */
  async replace({ cycles, lanes }: { cycles: number; lanes: number }): Promise<ReplaceTimes> {
    const log = new JoinLog();
    const lanesMax = Math.max(1, Math.min(lanes, clients.length - 1));
    let left = cycles;
    let told = 0;
    // Each lane has users of its own, so that no user is replaced twice at once.
    const lane = async (first: number) => {
      for (let index = 1 + first; left > 0; index = index + lanesMax < clients.length ? index + lanesMax : 1 + first) {
        left -= 1;
        if (await replace(log, index)) told += 1;
      }
    };
    await Promise.all(Array.from({ length: lanesMax }, (_, first) => lane(first)));
    return { ...log.times(), told };
  },

  /** Users who try to join once a second, whatever they are told. */
  async knock({ users, seconds }: { users: readonly string[]; seconds: number }): Promise<Knocks> {
    const untilMs = monotonicMs() + seconds * 1000;
    const knocks = { admitted: 0, refused: {} as Record<string, number> };
    const one = async (userId: string, index: number) => {
      await new Promise((resolve) => setTimeout(resolve, (index * KNOCK_EVERY_MS) / users.length));
      while (monotonicMs() < untilMs) {
        const client = create(userId);
        const code = await client.connect({ retry: false }).then(
          () => undefined,
          (error: unknown) => (error instanceof BridgeClientError ? error.code : String(error)),
        );
        if (code === undefined) knocks.admitted += 1;
        else knocks.refused[code] = (knocks.refused[code] ?? 0) + 1;
        await client.dispose();
        await new Promise((resolve) => setTimeout(resolve, KNOCK_EVERY_MS));
      }
    };
    await Promise.all(users.map(one));
    return knocks;
  },

  async speak(plan: SoundPlan): Promise<Spoke> {
    return speakBursts(pick(plan.users), plan);
  },

  async play(plan: SoundPlan & { readonly url: string }): Promise<{ plays: PlayedSound[]; lateMs: Float64Array }> {
    const players = pick(plan.users);
    const plays: PlayedSound[] = [];
    const count = players.length * Math.floor((plan.seconds * 1000) / plan.everyMs);
    const lateMs = await atPace(count, plan.everyMs / players.length, async (index) => {
      const player = players[index % players.length];
      if (player) plays.push(await playOnce(player.client, player.user, plan.url));
    });
    return { plays, lateMs };
  },

  async streaming(): Promise<number> {
    return clients.filter(({ state }) => state === "streaming").length;
  },

  async leave(): Promise<void> {
    await Promise.all(clients.splice(0).map((client) => client.dispose()));
  },
};

function pick(users: readonly number[]): { user: number; client: BridgeClient }[] {
  return users.flatMap((user) => {
    const client = clients[user];
    return client ? [{ user, client }] : [];
  });
}

export type CloudDuties = typeof duties;
serve(duties);
