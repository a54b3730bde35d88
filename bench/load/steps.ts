// The steps that modes are made of.

import { observe } from "./observe.js";
import type { Observation } from "./observe.js";
import type { Spoken } from "./programs/phones.js";
import type { ReceiverDuties } from "./programs/receiver.js";
import type { CloudDuties } from "./programs/cloud.js";
import type { Remote } from "./remote.js";
import type { JoinFigures, RestFigures } from "./report.js";
import { joinFigures, restFigures } from "./report.js";
import type { Stage } from "./stage.js";
import type { Reception } from "./tally.js";

export const pause = (delayMs: number) => new Promise<void>((resolve) => setTimeout(resolve, delayMs));

const ANSWER_SPARE_MS = 60_000;
const PROBE_EVERY_MS = 400;
const SETTLE_MS = 2000;
/** Late packets are waited for so long; what comes later is lost. */
const DRAIN_MAX_MS = 5000;
const DRAIN_STEP_MS = 250;
const LONGEST_SECONDS = 86_400;

/** For answers that take as long as the load. */
export const limitMs = (seconds: number) => seconds * 1000 + ANSWER_SPARE_MS;

/** The phones and the control are in their rooms. */
export async function joinPhones({ phones, access, users, control, run }: Stage): Promise<void> {
  await Promise.all(
    phones.map((remote, first) =>
      remote.ask(
        "join",
        { access, users: users.filter((_, index) => index % phones.length === first) },
        limitMs(users.length),
      ),
    ),
  );
  const places = [{ room: users[0] ?? "", identity: `control-${run}` }];
  await control.ask("join", { access, kind: "stock", places });
}

/** What joins take without a bridge while `work` goes on. */
export async function withProbe<T>(
  { control, access, run }: Stage,
  work: () => Promise<T>,
): Promise<{ value: T; controlMs: Float64Array }> {
  const place = { room: `bench-${run}-probe`, identity: `probe-${run}` };
  await control.ask("probeJoins", { access, place, everyMs: PROBE_EVERY_MS });
  const value = await work();
  return { value, controlMs: await control.ask("probed", undefined) };
}

/** All users join a bridge that had none; what it cost to have none, and to have them silent. */
export async function joinUsers(stage: Stage): Promise<{ joins: JoinFigures; rest: RestFigures }> {
  const { options, users, cloud } = stage;
  const quiet = () => pause(options.restSeconds * 1000);
  const { seen: empty } = await observe(stage, quiet);
  const everyMs = 1000 / options.joinsPerSecond;
  const join = () => cloud.ask("join", { users, everyMs }, limitMs((users.length * everyMs) / 1000));
  const { value: times, controlMs } = await withProbe(stage, join);
  const joins = joinFigures(times, controlMs);
  if (joins.count < users.length)
    throw new Error(
      `${users.length - joins.count} of ${users.length} users could not join: ${joins.failures[0] ?? ""}`,
    );
  await pause(SETTLE_MS);
  const { seen: idle } = await observe(stage, quiet);
  return { joins, rest: restFigures(empty, idle, users.length) };
}

export interface Speech {
  readonly phase: number;
  readonly seconds: number;
  /** The first so many users speak. */
  readonly speakers: number;
}

export interface SpokenByAll {
  /** By user. */
  readonly sent: readonly number[];
  readonly lateMs: Float64Array;
  readonly refused: number;
  readonly unsent: number;
  readonly interruptions: number;
}

/** The phones of all processes speak. */
export async function speak({ phones, options }: Stage, { phase, seconds, speakers }: Speech): Promise<SpokenByAll> {
  const { packetsPerSecond, packetBytes, isReliable } = options;
  const stride = phones.length;
  const work = { phase, seconds, packetsPerSecond, packetBytes, isReliable, speakers, stride };
  const parts: Spoken[] = await Promise.all(
    phones.map((remote, first) => remote.ask("speak", { ...work, first }, limitMs(seconds))),
  );
  const sent = Array.from(
    { length: speakers },
    (_, user) => parts[user % stride]?.sent[Math.floor(user / stride)] ?? 0,
  );
  const lateMs = Float64Array.from(parts.flatMap((part) => [...part.lateMs]));
  const total = (of: (part: Spoken) => number) => parts.reduce((sum, part) => sum + of(part), 0);
  return {
    sent,
    lateMs,
    refused: total(({ refused }) => refused),
    unsent: total(({ unsent }) => unsent),
    interruptions: total(({ interruptions }) => interruptions),
  };
}

/** The same for as long as `work` takes. */
export async function speakDuring<T>(
  stage: Stage,
  speech: Omit<Speech, "seconds">,
  work: () => Promise<T>,
): Promise<SpokenByAll & { readonly result: T }> {
  const spoken = speak(stage, { ...speech, seconds: LONGEST_SECONDS });
  spoken.catch(() => undefined);
  let result: T;
  try {
    result = await work();
  } finally {
    await Promise.all(stage.phones.map((remote) => remote.ask("hush", undefined)));
  }
  return { ...(await spoken), result };
}

type Listener = Remote<CloudDuties> | Remote<ReceiverDuties>;

/** The phones speak, and what they said has arrived before the measuring begins: a backlog of it would be counted there. */
export async function warmUp<T extends { readonly sent: readonly number[] }>(
  stage: Stage,
  { phase, listener }: { phase: number; listener: Listener },
  work: () => Promise<T>,
): Promise<void> {
  await ask(listener, "listen", { phase, users: stage.users.length });
  const { sent } = await work();
  await drain(listener, sumOf(sent));
}

export interface Listened<T> {
  readonly value: T;
  readonly seen: Observation;
  readonly receptions: readonly Reception[];
}

/** Listens for a phase while `work` goes on, observes it, and waits for what is late. */
export async function listenTo<T extends { readonly sent: readonly number[] }>(
  stage: Stage,
  { phase, listeners, pid }: { phase: number; listeners: readonly Listener[]; pid?: number },
  work: () => Promise<T>,
): Promise<Listened<T>> {
  const users = stage.users.length;
  for (const listener of listeners) await ask(listener, "listen", { phase, users });
  const { value, seen } = await observe(stage, work, pid);
  const [first] = listeners;
  if (first) await drain(first, sumOf(value.sent));
  const receptions: Reception[] = [];
  for (const listener of listeners) receptions.push(await ask(listener, "heard", undefined));
  return { value, seen, receptions };
}

const sumOf = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0);

async function drain(listener: Listener, wanted: number): Promise<void> {
  for (let waitedMs = 0; waitedMs < DRAIN_MAX_MS; waitedMs += DRAIN_STEP_MS) {
    await pause(DRAIN_STEP_MS);
    if ((await ask(listener, "count", undefined)) >= wanted) return;
  }
}

/** The duties that both kinds of listeners have. */
type Listening = Pick<ReceiverDuties, "listen" | "count" | "heard">;

function ask<K extends keyof Listening>(
  listener: Listener,
  duty: K,
  input: Parameters<Listening[K]>[0],
): Promise<Awaited<ReturnType<Listening[K]>>> {
  return (listener as unknown as Remote<Listening>).ask(duty, input);
}
