// A bad network for datagrams, without a kernel's help: whatever comes in on one loopback port goes out to a target, and the
// answers go back, late, in another order, twice or not at all. Chance is seeded, so a run can be repeated.

import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { seededRandom, type Random } from "../scenarios/seeded-random.js";

export interface Weather {
  /** Share of datagrams that are lost, from 0 to 1, each for itself. */
  readonly lossShare: number;
  readonly delayMs: number;
  /** Up to so much comes on top of the delay. What is sent in order still arrives in order. */
  readonly jitterMs: number;
  /** Share of datagrams that are held back for `overtakenMs`, so that later ones arrive before them. */
  readonly overtakenShare: number;
  readonly overtakenMs: number;
  /** Share of datagrams that arrive twice. */
  readonly duplicateShare: number;
}

export const FAIR_WEATHER: Weather = {
  lossShare: 0,
  delayMs: 0,
  jitterMs: 0,
  overtakenShare: 0,
  overtakenMs: 20,
  duplicateShare: 0,
};

/** Datagrams, both ways together. */
export interface ShaperCounts {
  readonly received: number;
  readonly delivered: number;
  readonly lost: number;
  readonly overtaken: number;
  readonly duplicated: number;
  /** Lost because too much was under way, or came from too many senders. */
  readonly overflowed: number;
}

export interface UdpShaper {
  /** Where it listens, on 127.0.0.1. */
  readonly port: number;
  readonly counts: ShaperCounts;
  /** For what comes in from now on; what is not named is as in fair weather. */
  set(weather: Partial<Weather>): void;
  /** Nothing gets through any more, nor does what is under way. */
  cut(): void;
  heal(): void;
  close(): Promise<void>;
}

export interface UdpShaperOptions {
  /** A port of 127.0.0.1. */
  readonly targetPort: number;
  readonly weather?: Partial<Weather>;
  /** Default 1. */
  readonly seed?: number;
  /** Datagrams under way at a time; more are lost. */
  readonly underWayMax?: number;
}

const HOST = "127.0.0.1";
const UNDER_WAY_MAX = 10_000;
/** Senders that are kept apart. */
const SENDERS_MAX = 256;

export async function startUdpShaper(options: UdpShaperOptions): Promise<UdpShaper> {
  const { targetPort, seed = 1, underWayMax = UNDER_WAY_MAX } = options;
  const wire = new Wire(seededRandom(seed), underWayMax);
  wire.weather = { ...FAIR_WEATHER, ...options.weather };
  const near = await bound();
  /** One socket to the target for each sender, by its port: the target tells them apart by ours. */
  const senders = new Map<number, Promise<Socket>>();

  const open = async (port: number): Promise<Socket> => {
    const far = await bound();
    const back = new Lane();
    far.on("message", (data) => wire.carry(data, back, (datagram) => near.send(datagram, port, HOST, ignore)));
    return far;
  };
  const there = new Map<number, Lane>();
  near.on("message", (data, { port }) => {
    if (!senders.has(port) && senders.size >= SENDERS_MAX) return wire.overflow();
    const far = senders.get(port) ?? open(port);
    senders.set(port, far);
    const lane = there.get(port) ?? new Lane();
    there.set(port, lane);
    wire.carry(data, lane, (datagram) => void far.then((socket) => socket.send(datagram, targetPort, HOST, ignore)));
  });

  return {
    port: near.address().port,
    get counts() {
      return { ...wire.counts };
    },
    set: (weather) => void (wire.weather = { ...FAIR_WEATHER, ...weather }),
    cut: () => wire.cut(),
    heal: () => void (wire.isCut = false),
    async close() {
      wire.cut();
      const sockets = [near, ...(await Promise.all(senders.values()))];
      await Promise.all(sockets.map((socket) => new Promise<void>((done) => socket.close(done))));
    },
  };
}

/** One direction of one sender. */
class Lane {
  /** When the last datagram in order is due. */
  lastDueMs = 0;
}

interface Parcel {
  readonly dueMs: number;
  readonly deliver: () => void;
}

class Wire {
  weather: Weather = FAIR_WEATHER;
  isCut = false;
  readonly counts = { received: 0, delivered: 0, lost: 0, overtaken: 0, duplicated: 0, overflowed: 0 };
  /** By the time they are due, those of one time in the order in which they came. */
  #underWay: Parcel[] = [];
  #timer: NodeJS.Timeout | undefined;
  readonly #random: Random;
  readonly #underWayMax: number;

  constructor(random: Random, underWayMax: number) {
    this.#random = random;
    this.#underWayMax = underWayMax;
  }

  carry(datagram: Buffer, lane: Lane, deliver: (datagram: Buffer) => void): void {
    const { lossShare, duplicateShare } = this.weather;
    this.counts.received += 1;
    if (this.isCut || this.#random() < lossShare) {
      this.counts.lost += 1;
      return;
    }
    const isTwice = this.#random() < duplicateShare;
    if (isTwice) this.counts.duplicated += 1;
    for (let copies = isTwice ? 2 : 1; copies > 0; copies -= 1) this.#send(lane, () => deliver(datagram));
  }

  overflow(): void {
    this.counts.overflowed += 1;
  }

  cut(): void {
    this.isCut = true;
    this.counts.lost += this.#underWay.length;
    this.#underWay = [];
    this.#arm();
  }

  #send(lane: Lane, deliver: () => void): void {
    if (this.#underWay.length >= this.#underWayMax) return this.overflow();
    const { delayMs, jitterMs, overtakenShare, overtakenMs } = this.weather;
    const dueMs = Math.max(lane.lastDueMs, performance.now() + delayMs + this.#random() * jitterMs);
    const isOvertaken = this.#random() < overtakenShare;
    if (isOvertaken) this.counts.overtaken += 1;
    else lane.lastDueMs = dueMs;
    const parcel = { dueMs: isOvertaken ? dueMs + overtakenMs : dueMs, deliver };
    const behind = this.#underWay.findLastIndex((other) => other.dueMs <= parcel.dueMs);
    this.#underWay.splice(behind + 1, 0, parcel);
    this.#arm();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const [next] = this.#underWay;
    if (next) this.#timer = setTimeout(() => this.#deliverDue(), next.dueMs - performance.now());
  }

  #deliverDue(): void {
    const nowMs = performance.now();
    const notDue = this.#underWay.findIndex(({ dueMs }) => dueMs > nowMs);
    const due = this.#underWay.splice(0, notDue === -1 ? this.#underWay.length : notDue);
    for (const { deliver } of due) {
      this.counts.delivered += 1;
      deliver();
    }
    this.#arm();
  }
}

async function bound(): Promise<Socket> {
  const socket = createSocket("udp4");
  // A refusal by a port where nobody listens is one more lost datagram.
  socket.on("error", ignore);
  socket.bind(0, HOST);
  await once(socket, "listening");
  return socket;
}

function ignore(): void {
  // Whoever waits for it notices that it did not come.
}
