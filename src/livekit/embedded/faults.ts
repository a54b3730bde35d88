// Failures on demand: what a real server or network would do only on a bad day. Each is switched on for those it
// matches, stays on until it is lifted, and counts whom it has met.

import type { Clock } from "../../time.js";
import type { RoomConnectErrorCode, TrackPublishErrorCode } from "../room.js";

/** Whom a fault meets. What is left out matches everybody. */
export interface FaultMatch {
  /** As written in the connect request; only connects have one. */
  readonly url?: string;
  readonly room?: string;
  readonly identity?: string;
}

export interface HoldOptions {
  /** Each held call goes on after this long. Left out: only `lift` lets it go, or the engine's own time limit ends it. */
  readonly forMs?: number;
}

export interface HoldConnectOptions extends HoldOptions {
  /** True: the attempt can be cancelled and an abort ends it at once. False, the default: as with rtc-node, it goes on. */
  readonly isAbortable?: boolean;
  /** The engine's limit for the whole attempt, 16 s by default; `Infinity` for an engine that would never settle. */
  readonly timeoutMs?: number;
}

export interface Fault {
  /** Calls met so far. */
  readonly caught: number;
  /** Switches it off; whatever it holds goes on at once. */
  lift(): void;
}

/** Of several faults that match one call, the one switched on first applies. */
export interface Faults {
  /** Connects hang before anything is checked. At the time limit they reject with `timeout`. */
  holdConnects(match?: FaultMatch, options?: HoldConnectOptions): Fault;
  /** Connects reject with the code, `unreachable` by default. */
  refuseConnects(match?: FaultMatch, code?: RoomConnectErrorCode): Fault;
  /** `Room.close` hangs, the participant still being there, at most for the engine's limit of 5 s. */
  hangCloses(match?: FaultMatch, options?: HoldOptions): Fault;
  /** `Room.publishTrack` hangs; at the engine's limit of 10 s it rejects with `timeout`. */
  hangPublishes(match?: FaultMatch, options?: HoldOptions): Fault;
  /** `Room.publishTrack` rejects with the code, `internal` by default. */
  refusePublishes(match?: FaultMatch, code?: TrackPublishErrorCode): Fault;
  /** Participants that publish no track are announced this much later (LiveKit: up to 3 s), their packets are not. */
  announceLate(match: FaultMatch, delayMs: number): Fault;
  /** Lossy packets of these senders get lost with this probability, for each receiver on its own. */
  loseLossyPackets(match: FaultMatch, probability: number): Fault;
  liftAll(): void;
}

export interface FaultSubject {
  readonly url?: string;
  readonly room?: string | undefined;
  readonly identity?: string | undefined;
}

/** The engine's side. */
export interface FaultDesk extends Faults {
  hold(kind: HoldKind, subject: FaultSubject, limits: HoldLimits): Promise<HoldOutcome>;
  connectRefusal(subject: FaultSubject): RoomConnectErrorCode | undefined;
  publishRefusal(subject: FaultSubject): TrackPublishErrorCode | undefined;
  announceDelayMs(subject: FaultSubject): number;
  isPacketLost(subject: FaultSubject): boolean;
}

type HoldKind = "holdConnect" | "hangClose" | "hangPublish";
export type HoldOutcome = "passed" | "timeout" | "aborted";

export interface HoldLimits {
  readonly limitMs: number;
  /** Ends any wait. */
  readonly ended?: AbortSignal;
  /** Ends the wait only where the fault says that it can. */
  readonly abort?: AbortSignal;
}

interface Entry {
  readonly kind: HoldKind | "refuseConnect" | "refusePublish" | "announceLate" | "losePackets";
  readonly match: FaultMatch;
  readonly hold: HoldConnectOptions;
  /** Delay in milliseconds, or probability. */
  readonly amount: number;
  readonly connectCode: RoomConnectErrorCode;
  readonly publishCode: TrackPublishErrorCode;
  readonly waiting: Set<() => void>;
  caught: number;
}

export function createFaults(clock: Clock, random: () => number): FaultDesk {
  const entries = new Set<Entry>();

  function add(kind: Entry["kind"], match: FaultMatch = {}, details: Partial<Entry> = {}): Fault {
    const entry: Entry = { ...NO_DETAILS, ...details, kind, match, waiting: new Set(), caught: 0 };
    entries.add(entry);
    return {
      get caught() {
        return entry.caught;
      },
      lift: () => lift(entry),
    };
  }

  function lift(entry: Entry): void {
    entries.delete(entry);
    for (const goOn of entry.waiting) goOn();
  }

  function meet(kind: Entry["kind"], subject: FaultSubject): Entry | undefined {
    for (const entry of entries) {
      if (entry.kind !== kind || !isMatch(entry.match, subject)) continue;
      entry.caught++;
      return entry;
    }
    return undefined;
  }

  return {
    holdConnects: (match, options) => add("holdConnect", match, { hold: options ?? {} }),
    refuseConnects: (match, code = "unreachable") => add("refuseConnect", match, { connectCode: code }),
    hangCloses: (match, options) => add("hangClose", match, { hold: options ?? {} }),
    hangPublishes: (match, options) => add("hangPublish", match, { hold: options ?? {} }),
    refusePublishes: (match, code = "internal") => add("refusePublish", match, { publishCode: code }),
    announceLate: (match, delayMs) => add("announceLate", match, { amount: delayMs }),
    loseLossyPackets: (match, probability) => add("losePackets", match, { amount: probability }),
    liftAll() {
      for (const entry of entries) lift(entry);
    },
    async hold(kind, subject, limits) {
      const entry = meet(kind, subject);
      return entry === undefined ? "passed" : await wait(clock, entry, limits);
    },
    connectRefusal: (subject) => meet("refuseConnect", subject)?.connectCode,
    publishRefusal: (subject) => meet("refusePublish", subject)?.publishCode,
    announceDelayMs: (subject) => meet("announceLate", subject)?.amount ?? 0,
    isPacketLost(subject) {
      const entry = meet("losePackets", subject);
      return entry !== undefined && random() < entry.amount;
    },
  };
}

const NO_DETAILS = { hold: {}, amount: 0, connectCode: "unreachable", publishCode: "internal" } as const;

function isMatch(match: FaultMatch, subject: FaultSubject): boolean {
  return (
    (match.url === undefined || match.url === subject.url) &&
    (match.room === undefined || match.room === subject.room) &&
    (match.identity === undefined || match.identity === subject.identity)
  );
}

async function wait(clock: Clock, entry: Entry, limits: HoldLimits): Promise<HoldOutcome> {
  const { forMs, isAbortable = false, timeoutMs = limits.limitMs } = entry.hold;
  const signals = [limits.ended, isAbortable ? limits.abort : undefined].filter((signal) => signal !== undefined);
  if (signals.some((signal) => signal.aborted)) return "aborted";
  const release: (() => void)[] = [];
  const outcome = await new Promise<HoldOutcome>((resolve) => {
    const goOn = (): void => resolve("passed");
    const abort = (): void => resolve("aborted");
    entry.waiting.add(goOn);
    release.push(() => entry.waiting.delete(goOn));
    for (const signal of signals) {
      signal.addEventListener("abort", abort);
      release.push(() => signal.removeEventListener("abort", abort));
    }
    for (const [ms, settle] of [[forMs, goOn] as const, [timeoutMs, () => resolve("timeout")] as const]) {
      if (ms === undefined || ms === Number.POSITIVE_INFINITY) continue;
      const timer = clock.setTimeout(settle, ms);
      release.push(() => clock.clearTimeout(timer));
    }
  });
  for (const undo of release) undo();
  return outcome;
}
