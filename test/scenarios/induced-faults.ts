// Faults of mixed kinds, drawn by a seed, against several users at once: each has a cloud, a phone and a TCP proxy of his
// own; bridge and LiveKit are everybody's. After each fault the user has to be heard again without help.
//
// Faults of single users run side by side, each user's one after another. A fault that hits all waits for them, and they for
// it.
//
//   npm run faults -- --count 1000 --seed 7 [--users 5] [--only connection]

import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { setup as build } from "../support/built.js";
import { eventually } from "../support/eventually.js";
import type { FaultStage, UserFault } from "./fault-kinds.js";
import { pick, SHARED_FAULTS, USER_FAULTS } from "./fault-kinds.js";
import type { FaultOutcome } from "./fault-table.js";
import { faultTable, resumedShare } from "./fault-table.js";
import { LogBook } from "./log-book.js";
import type { Party } from "./party.js";
import { flowing, startParty } from "./party.js";
import type { Scene } from "./scene.js";
import { startScene } from "./scene.js";
import type { Random } from "./seeded-random.js";
import { between, seededRandom } from "./seeded-random.js";

export interface InducedFaultsOptions {
  /** At least so many; what hits all users counts for each of them. */
  readonly count: number;
  readonly seed: number;
  readonly users?: number;
  /** Faults of single users whose names hold this text, and none that hit all. */
  readonly only?: string;
  readonly logLevel?: string;
  readonly progress?: (text: string) => void;
}

export interface InducedFaults {
  readonly outcomes: readonly FaultOutcome[];
  /** What was left in the end, and what must never have been logged. Empty when all is well. */
  readonly leftovers: readonly string[];
}

const USERS = 5;
/** So many of his own, then one together with all others: each user's faults. */
const OWN_FAULTS = 2;
/** Who is not heard after so long needs help: a silent loss takes 15 s to be found, and a client that fails waits up to 30 s. */
const UNAIDED_MAX_MS = 60_000;
const AIDED_MAX_MS = 20_000;
const LEFTOVER_MAX_MS = 30_000;

export async function induceFaults(options: InducedFaultsOptions): Promise<InducedFaults> {
  const { count, seed, users = USERS, only, logLevel = "trace", progress = () => {} } = options;
  // A long run's log is looked at, and not kept unless somebody wants it.
  const isKept = count < 100 || process.env["SCENARIO_LOGS"] !== undefined;
  const scene = await startScene({ logLevel, book: new LogBook({ keep: isKept }) });
  try {
    const bridge = await scene.bridge();
    const names = Array.from({ length: users }, (_, i) => `user-${i + 1}`);
    const parties = await Promise.all(names.map((user) => startParty(scene, bridge, user, { isProxied: true })));
    const stage = { scene, bridge, random: seededRandom(seed) };
    const outcomes: FaultOutcome[] = [];
    const record = (outcome: FaultOutcome) => {
      outcomes.push(outcome);
      progress(`${outcomes.length} ${inShort(outcome)}`);
    };
    while (outcomes.length < count) {
      const plan = drawn(stage.random, users, only);
      const lanes = parties.map(async (party, i) => {
        for (const { fault, seed: ownSeed } of plan[i] ?? []) {
          record(await userFault({ ...stage, random: seededRandom(ownSeed) }, party, fault));
        }
      });
      await Promise.all(lanes);
      if (only !== undefined) continue;
      for (const outcome of await sharedFault(stage, parties)) record(outcome);
    }
    return { outcomes, leftovers: await leftovers(scene, parties) };
  } finally {
    await scene.stop();
  }
}

interface Planned {
  readonly fault: UserFault;
  readonly seed: number;
}

/** Drawn before anything happens, so that nothing that happens changes what is drawn. */
function drawn(random: Random, users: number, only = ""): readonly (readonly Planned[])[] {
  const faults = USER_FAULTS.filter(({ name }) => name.includes(only));
  const one = (): Planned => ({ fault: pick(faults, random), seed: Math.floor(random() * 2 ** 32) });
  return Array.from({ length: users }, () => Array.from({ length: OWN_FAULTS }, one));
}

async function userFault(stage: FaultStage, party: Party, fault: UserFault): Promise<FaultOutcome> {
  // Faults hit in whatever moment: soon after the last, or when all is quiet.
  await pause(between(stage.random, 0, 1500));
  const faultAtMs = Date.now();
  const outcome = await resumed(fault.name, party, faultAtMs, () => fault.induce(stage, party));
  fault.after?.(party);
  return outcome;
}

async function sharedFault(stage: FaultStage, parties: readonly Party[]): Promise<FaultOutcome[]> {
  const fault = pick(SHARED_FAULTS, stage.random);
  const faultAtMs = Date.now();
  const healed = await fault.induce(stage, parties);
  return Promise.all(parties.map((party) => resumed(fault.name, party, faultAtMs, () => healed(party))));
}

async function resumed(
  kind: string,
  party: Party,
  faultAtMs: number,
  heal: () => Promise<number>,
): Promise<FaultOutcome> {
  const { cloud, user } = party;
  try {
    const healedAtMs = await heal();
    const { sinceMs } = await flowing(party, healedAtMs, UNAIDED_MAX_MS);
    return { kind, user, resumedMs: Math.max(0, sinceMs - healedAtMs) };
  } catch (error) {
    const told = toldSince(party, faultAtMs);
    const helpAtMs = Date.now();
    const help = `${String(error instanceof Error ? error.message : error)}; the glasses reconnected`;
    await cloud.init(user);
    await flowing(party, helpAtMs, AIDED_MAX_MS);
    return { kind, user, help, ...(told ? { told } : {}) };
  }
}

function toldSince({ cloud }: Party, faultAtMs: number): FaultOutcome["told"] {
  if (!cloud.isRunning) return undefined;
  const first = cloud.program.reports.find(
    ({ report, atMs }) => report === "audio-unavailable" && Number(atMs) >= faultAtMs,
  );
  return first && { reason: String(first["detail"] ?? first["reason"]), afterMs: Number(first["atMs"]) - faultAtMs };
}

/** Everybody goes; nothing may be left of anybody. */
async function leftovers(scene: Scene, parties: readonly Party[]): Promise<string[]> {
  const found: string[] = [...scene.book.violations];
  const expectGone = async (what: string, count: () => number | Promise<number>) => {
    await eventually(what, async () => (await count()) === 0, LEFTOVER_MAX_MS).catch(async () => {
      found.push(`${await count()} ${what}`);
    });
  };
  for (const { cloud, phone, user } of parties) {
    await cloud.ask("dispose", { user });
    await phone.close();
  }
  const bridge = parties[0]?.bridge;
  await expectGone("sessions", async () => (await bridge?.health())?.active_sessions ?? -1);
  await expectGone("streams", async () => (await bridge?.health())?.active_streams ?? -1);
  for (const { user, cloud } of parties) {
    await expectGone(`participants of ${user}`, async () => (await scene.participants(user)).length);
    await expectGone(`connections of ${user}`, () => cloud.proxy?.openSockets ?? 0);
  }
  return found;
}

function inShort({ kind, user, resumedMs, help }: FaultOutcome): string {
  return `${user}: ${kind}: ${resumedMs === undefined ? help : `${Math.round(resumedMs)} ms`}`;
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      count: { type: "string", default: "100" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      users: { type: "string", default: String(USERS) },
      only: { type: "string" },
    },
  });
  const [count, seed, users] = [values.count, values.seed, values.users].map(Number);
  build();
  console.log(`${count} faults, ${users} users, seed ${seed}`);
  const options = { count: count ?? 0, seed: seed ?? 0, users: users ?? USERS, logLevel: "info" };
  const { outcomes, leftovers } = await induceFaults({
    ...options,
    ...(values.only === undefined ? {} : { only: values.only }),
    progress: (text) => console.log(`${new Date().toISOString()} ${text}`),
  });
  console.log(`\n${faultTable(outcomes)}\n`);
  const share = resumedShare(outcomes);
  console.log(`${(share * 100).toFixed(2)} % of ${outcomes.length} faults: heard again without help`);
  console.log(leftovers.length === 0 ? "Nothing is left over." : `Left over:\n${leftovers.join("\n")}`);
  process.exit(share >= 0.995 && leftovers.length === 0 ? 0 : 1);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
