// The real actors next to the model: the same things happen to both, and after each of them the two are compared.

import { isDeepStrictEqual } from "node:util";
import { SessionMedia } from "../../src/audio/session-media.js";
import type { Fault } from "../../src/livekit/embedded/faults.js";
import type { BridgeModel } from "./bridge-model.js";
import { FakePlaybackPort } from "./playback-ports.js";
import type { FakeStopReply } from "./playback-ports.js";
import type { FakeJoinReply, FakeLeaveReply } from "./ports.js";
import { FakeStreamPort } from "./ports.js";
import type { Rig, RigOptions } from "./rig.js";
import { bridgeIdentity, createRig, numberOf } from "./rig.js";
import { comparePlaybacks } from "./world-playbacks.js";
import type { PortModel, SessionModel } from "./session-model.js";

export type AnyPort = FakeJoinReply | FakeLeaveReply | FakePlaybackPort | FakeStopReply | FakeStreamPort;

const REMEMBERED_MS = 3_600_000;

export class World {
  readonly rig: Rig;
  /** In the same order as the model's. */
  readonly ports: AnyPort[] = [];
  readonly brokenRooms: Set<string>;
  /** Faults that are switched on. */
  readonly lifts = new Map<string, Fault>();

  private constructor(rig: Rig, brokenRooms: Set<string>) {
    this.rig = rig;
    this.brokenRooms = brokenRooms;
  }

  static async create(options: RigOptions): Promise<World> {
    const broken = new Set<string>();
    const rig = await createRig({
      ...options,
      createMedia(media, user) {
        if (broken.has(user)) throw new Error("this room connection is broken");
        return new SessionMedia(media);
      },
    });
    return new World(rig, broken);
  }

  /** The call of a client that the model knows as `port`. */
  portOf(model: BridgeModel, port: PortModel | undefined): AnyPort | undefined {
    return port && this.ports[model.ports.indexOf(port)];
  }

  streamOf(model: BridgeModel, user: string): FakeStreamPort | undefined {
    const port = this.portOf(model, model.current.get(user)?.stream?.port);
    return port instanceof FakeStreamPort ? port : undefined;
  }

  playbackOf(model: BridgeModel, user: string): FakePlaybackPort | undefined {
    const port = this.portOf(model, model.current.get(user)?.playbacks[0]?.port);
    return port instanceof FakePlaybackPort ? port : undefined;
  }

  /** Moves both on, and compares them 1 ms before each limit and at it. */
  async passTime(model: BridgeModel, targetMs: number): Promise<void> {
    while (model.nowMs < targetMs) {
      const limitMs = Math.min(model.nextDeadlineMs ?? targetMs, targetMs);
      if (limitMs < model.nowMs) throw new Error(`the model has missed a limit: ${model.nextDeadline}`);
      for (const atMs of [limitMs - 1, limitMs]) {
        if (atMs < model.nowMs) continue;
        await this.rig.clock.advance(atMs - model.nowMs);
        model.advanceTo(atMs);
        this.compare(model);
      }
    }
  }

  /** Throws when what is there is not what the model expects. */
  compare(model: BridgeModel): void {
    const problems: string[] = [];
    const same = (what: string, real: unknown, expected: unknown) => {
      if (!isDeepStrictEqual(real, expected)) problems.push(`${what}: ${show(real)}, expected ${show(expected)}`);
    };
    const { rig } = this;
    same("failures", rig.failures, []);
    same("broken promises", rig.violations, []);
    same("supervisor", rig.supervisor.getSnapshot().status, model.mode === "drained" ? "done" : "active");
    this.#comparePorts(model, same);
    this.#compareRooms(model, same);
    this.#compareStatus(model, same);
    this.#compareMedia(model, same);
    const over = model.sessions.filter(({ phase }) => phase === "over").length;
    comparePlaybacks(rig, this.ports, model, same);
    same("sessions told closed", rig.recorder.count("closed"), over);
    same("crashes told", rig.recorder.count("crashed"), model.crashes);
    if (problems.length > 0) throw new Error(`at ${model.nowMs} ms\n  ${problems.join("\n  ")}`);
  }

  #comparePorts(model: BridgeModel, same: Compare): void {
    for (const [index, expected] of model.ports.entries()) {
      const port = this.ports[index];
      const name = port?.name ?? `port ${index}`;
      const isFitting = fits(port?.answer, expected.answer) && port?.answeredAtMs === expected.atMs;
      const real = `${port?.answer} at ${port?.answeredAtMs}`;
      if (!isFitting) same(name, real, `${expected.answer} at ${expected.atMs}`);
    }
    for (const stream of model.streams) {
      const port = this.ports[stream.id];
      if (!(port instanceof FakeStreamPort)) continue;
      same(`${port.name} received`, port.received.map(numberOf), stream.received);
      same(`${port.name} echoes`, port.echoes, stream.echoes);
    }
  }

  #compareRooms(model: BridgeModel, same: Compare): void {
    const has = (...rooms: readonly SessionModel["room"][]) =>
      model.sessions.filter(({ room }) => rooms.includes(room));
    const inside = has("in", "leaving");
    const tracks = inside.reduce((sum, session) => sum + session.tracks.size, 0);
    const late = has("leaving").filter(({ isLate }) => isLate);
    const expected = { rooms: inside.length, connecting: has("pending").length + late.length, tracks };
    same("engine", this.rig.engine.counts(), expected);
    for (const user of new Set(model.sessions.map(({ userId }) => userId))) {
      const members = inside
        .filter(({ userId, isMember }) => userId === user && isMember)
        .map(() => bridgeIdentity(user));
      const real = this.rig.rooms.identities(user).filter((identity) => identity !== user);
      same(`participants of ${user}'s bridge`, real, members);
      if (members.length > 1) same(`${user} in one room`, members.length, 1);
    }
  }

  #compareStatus(model: BridgeModel, same: Compare): void {
    if (model.mode === "drained") return;
    const { rig } = this;
    const alive = model.sessions.filter(({ phase }) => phase !== "over");
    const current = [...model.current.values()];
    const live = current.filter(({ phase }) => phase === "live");
    // How many are silent is not the model's to know.
    const { silent: _, ...counts } = rig.counts();
    same("counts", counts, {
      sessions: current.length,
      closing: alive.length - current.length,
      streams: alive.filter(hasOpenStream).length,
      connected: live.filter(({ outage }) => outage === undefined).length,
      reconnecting: live.filter(({ outage }) => outage !== undefined).length,
      playbacks: current.reduce((sum, { playbacks }) => sum + playbacks.length, 0),
      isDraining: model.mode !== "accepting",
    });
    same("children", Object.keys(rig.supervisor.getSnapshot().children).length, alive.length);
    const startMs = rig.clock.wallNow() - rig.clock.now();
    for (const [user, { generation, reason, atMs }] of model.disconnects) {
      const isFresh = model.nowMs - atMs <= REMEMBERED_MS;
      const expected = isFresh ? { generation, reason, atMs: startMs + atMs } : undefined;
      same(`last disconnect of ${user}`, rig.status(user).lastDisconnect, expected);
    }
    for (const { userId, phase, outage } of current) {
      same(`${userId} is connected`, rig.status(userId).isConnected, phase === "live" && outage === undefined);
    }
  }

  #compareMedia(model: BridgeModel, same: Compare): void {
    for (const session of model.sessions) {
      const media = this.rig.medias.get(session.generation);
      if (!media) continue;
      const { packetsIn, packetsOut, packetsDropped, packetsExpired } = media.stats;
      const sum = packetsOut + packetsDropped + packetsExpired + media.queueLength;
      same(`sum of packets of generation ${session.generation}`, sum, packetsIn);
      same(`packets dropped by generation ${session.generation}`, packetsDropped, session.dropped);
    }
  }
}

/** Attached, or held open by a session that closes. */
function hasOpenStream({ phase, stream }: SessionModel): boolean {
  const isHeld = phase === "live" || phase === "closing" || phase === "parted";
  return isHeld && stream !== undefined && stream.port.answer === undefined;
}

export type Compare = (what: string, real: unknown, expected: unknown) => void;

const show = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

function fits(real: string | undefined, expected: string | undefined): boolean {
  if (expected?.endsWith("*") !== true) return real === expected;
  return real?.startsWith(expected.slice(0, -1)) === true;
}
