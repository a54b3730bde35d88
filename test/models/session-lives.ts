// The life of sessions as the contract describes it: when they connect, end and are gone, and what time alone changes.

import type { EarlyEvent, PortModel, SessionModel, StreamModel } from "./session-model.js";
import {
  deliver,
  ENGINE_CONNECT_MS,
  flush,
  forgetOld,
  STRAY_MS,
  INACTIVITY_MS,
  JOIN_ANSWERS,
  JOIN_MS,
  LEAVE_REPLY_MS,
  PREDECESSOR_MS,
  RECONNECT_MS,
  ROOM_CLOSE_MS,
  SEND_MS,
  STREAM_ANSWERS,
  ZOMBIE_MS,
} from "./session-model.js";

const DRAIN_MS = 7_000;

interface Deadline {
  readonly atMs: number;
  readonly what: string;
  readonly act: () => void;
}

export abstract class SessionLives {
  readonly sessionsMax: number;
  readonly playbacksMax: number;
  nowMs = 0;
  mode: "accepting" | "draining" | "drained" = "accepting";
  drainingSinceMs = 0;
  lastGeneration = 0;
  crashes = 0;
  readonly sessions: SessionModel[] = [];
  readonly current = new Map<string, SessionModel>();
  readonly disconnects = new Map<string, { generation: number; reason: string; atMs: number }>();
  /** In the order in which they were made, as the calls of the real clients are. */
  readonly ports: PortModel[] = [];
  readonly streams: StreamModel[] = [];
  readonly holds = new Set<string>();
  readonly hangs = new Set<string>();
  readonly refusals = new Set<string>();
  /** Users whose room connections fail as soon as they are made. */
  readonly brokenRooms = new Set<string>();
  /** Users whose old sessions had no time yet to leave their rooms. */
  readonly busy = new Set<string>();
  /** Generations that have asked LiveKit to let them in, by user. */
  readonly connects = new Map<string, number[]>();

  constructor(limits: { readonly sessionsMax: number; readonly playbacksMax: number }) {
    this.sessionsMax = limits.sessionsMax;
    this.playbacksMax = limits.playbacksMax;
  }

  // What time does.

  get nextDeadlineMs(): number | undefined {
    return this.#deadlines()[0]?.atMs;
  }

  get nextDeadline(): string {
    return this.#deadlines()[0]?.what ?? "";
  }

  advanceTo(targetMs: number): void {
    for (let next = this.#deadlines()[0]; next && next.atMs <= targetMs; next = this.#deadlines()[0]) {
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.act();
    }
    this.nowMs = targetMs;
  }

  #deadlines(): Deadline[] {
    const all = this.sessions.flatMap((session) => this.#deadlinesOf(session));
    if (this.mode === "draining") {
      all.push({ atMs: this.drainingSinceMs + DRAIN_MS, what: "drain", act: () => this.#release() });
    }
    return all.toSorted((a, b) => a.atMs - b.atMs);
  }

  #deadlinesOf(session: SessionModel): Deadline[] {
    const { phase, stream, outage, joinedAtMs, closingSinceMs, roomSinceMs, room, leaveReply } = session;
    const found: Deadline[] = [];
    const on = (is: boolean, atMs: number, what: string, act: () => void) => {
      if (is) found.push({ atMs, what, act });
    };
    const end = (reason: string) => () => this.close(session, reason);
    const isLive = phase === "live";
    on(phase === "waiting", joinedAtMs + PREDECESSOR_MS, "predecessor", () => this.#connect(session));
    on(phase === "waiting" || phase === "connecting", joinedAtMs + JOIN_MS, "join", end("join_failed"));
    on(isLive && !stream, session.detachedSinceMs + ZOMBIE_MS, "zombie", end("zombie"));
    if (isLive && stream) {
      on(stream.heartbeats >= 2, stream.lastAtMs + INACTIVITY_MS, "inactivity", end("inactivity"));
      on(stream.pending !== undefined, stream.pendingSinceMs + SEND_MS, "send", end("send_timeout"));
    }
    if (isLive && outage) {
      on(true, outage.sinceMs + RECONNECT_MS, "reconnect", end("connection_lost"));
      on(true, outage.endsAtMs, outage.isLost ? "lost" : "regained", () => this.#endOutage(session, outage));
    }
    if (phase === "closing") {
      on(true, closingSinceMs + ROOM_CLOSE_MS, "budget", () => this.#afterLeft(session));
      on(leaveReply !== undefined && leaveReply.answer === undefined, closingSinceMs + LEAVE_REPLY_MS, "leave", () =>
        this.#answerLeave(session),
      );
    }
    on(room === "pending", roomSinceMs + ENGINE_CONNECT_MS, "engine connect", () => this.roomGone(session));
    on(room === "leaving", roomSinceMs + ROOM_CLOSE_MS, "engine close", () => this.roomGone(session));
    return found;
  }

  #endOutage(session: SessionModel, { isLost, held }: { isLost: boolean; held: readonly number[] }): void {
    session.outage = undefined;
    if (isLost) this.endRoom(session.userId, "connection_lost");
    else deliver(session, held, this.nowMs);
  }

  // The life of a session.

  endRoom(userId: string, reason: string): void {
    const session = this.current.get(userId);
    if (session?.room !== "in") return;
    this.roomGone(session);
    this.close(session, reason);
  }

  endStream(userId: string, event: EarlyEvent): void {
    const session = this.current.get(userId);
    if (!session?.stream) return;
    if (session.phase !== "live") {
      if (session.stream.early !== "cancelled") session.stream.early = event;
      return;
    }
    if (event === "cancelled") return this.close(session, "stream_error");
    this.answer(session.stream.port, event === "halfClosed" ? "OK" : "INVALID_ARGUMENT*");
    session.stream = undefined;
    session.detachedSinceMs = this.nowMs;
    session.attachedUntilMs = this.nowMs;
  }

  protected connectIfAlone(userId: string): void {
    const session = this.current.get(userId);
    if (session?.phase !== "waiting" || this.busy.has(userId)) return;
    const isOld = (one: SessionModel) => one !== session && one.userId === userId && one.phase !== "over";
    if (!this.sessions.some(isOld)) this.#connect(session);
  }

  #connect(session: SessionModel): void {
    this.connects.set(session.userId, [...(this.connects.get(session.userId) ?? []), session.generation]);
    session.phase = "connecting";
    session.room = "pending";
    session.roomSinceMs = this.nowMs;
    if (!this.holds.has(session.userId)) this.land(session);
  }

  /** LiveKit has let the connect in, wanted or not. */
  protected land(session: SessionModel): void {
    const { userId } = session;
    if (this.refusals.has(userId)) {
      session.room = "left";
      if (session.strayUntilMs > this.nowMs) session.strayUntilMs = this.nowMs + STRAY_MS;
      if (session.phase === "connecting") this.close(session, "join_failed");
      else if (session.phase === "closing") this.#afterLeft(session);
      return;
    }
    for (const other of this.sessions) {
      if (other === session || other.userId !== userId || !other.isMember) continue;
      other.isMember = false;
      // Nobody has stolen the identity when it was the bridge itself, too late.
      if (other.phase === "live") this.endRoom(userId, this.kickReason(userId));
    }
    session.room = "in";
    session.isMember = true;
    if (session.phase === "connecting") return this.#goLive(session);
    session.isLate = true;
    this.#leaveRoom(session);
  }

  /** What a session is told that was put out by a newer participant of its identity. */
  kickReason(userId: string): string {
    const isOwn = this.sessions.some((one) => one.userId === userId && this.nowMs < one.strayUntilMs);
    return isOwn ? "connection_lost" : "duplicate_identity";
  }

  #goLive(session: SessionModel): void {
    session.phase = "live";
    session.detachedSinceMs = this.nowMs;
    this.answer(session.reply, "success");
    if (session.stream?.early === "cancelled") {
      // Nobody is left to read it.
      this.answer(session.stream.port, "*");
      session.stream = undefined;
    }
    if (session.stream) this.attach(session, session.stream);
  }

  protected attach(session: SessionModel, stream: StreamModel): void {
    stream.lastAtMs = this.nowMs;
    forgetOld(session, this.nowMs);
    flush(session, this.nowMs);
    if (stream.early) this.endStream(session.userId, stream.early);
  }

  protected crash(session: SessionModel): void {
    this.crashes += 1;
    this.close(session, "internal_error");
  }

  protected close(session: SessionModel, reason: string): void {
    const { userId, generation, stream, reply } = session;
    session.phase = "closing";
    session.closingSinceMs = this.nowMs;
    session.reason = reason;
    session.outage = undefined;
    this.current.delete(userId);
    this.disconnects.set(userId, { generation, reason, atMs: this.nowMs });
    this.answer(reply, JOIN_ANSWERS[reason] ?? "failed to connect to room: *");
    if (stream && reason !== "drain") this.answer(stream.port, STREAM_ANSWERS[reason] ?? "?");
    for (const { port } of session.playbacks) this.answer(port, "CANCELLED session closed");
    session.playbacks = [];
    if (session.room === "pending") session.strayUntilMs = Number.POSITIVE_INFINITY;
    if (session.room === "in") this.#leaveRoom(session);
    else if (session.room !== "pending") this.#afterLeft(session);
  }

  #leaveRoom(session: SessionModel): void {
    session.room = "leaving";
    session.roomSinceMs = this.nowMs;
    if (!this.hangs.has(session.userId)) this.roomGone(session);
  }

  protected roomGone(session: SessionModel): void {
    session.room = "left";
    if (session.strayUntilMs > this.nowMs) session.strayUntilMs = this.nowMs + STRAY_MS;
    session.isMember = false;
    session.tracks.clear();
    if (session.phase === "closing") this.#afterLeft(session);
  }

  #afterLeft(session: SessionModel): void {
    session.phase = session.reason === "drain" ? "parted" : "over";
    if (session.phase === "over") this.#answerLeave(session);
    this.connectIfAlone(session.userId);
    this.releaseIfAllParted();
  }

  #answerLeave({ leaveReply }: SessionModel): void {
    if (leaveReply) this.answer(leaveReply, "success");
  }

  protected releaseIfAllParted(): void {
    const isDone = this.sessions.every(({ phase }) => phase === "parted" || phase === "over");
    if (this.mode === "draining" && isDone) this.#release();
  }

  #release(): void {
    this.mode = "drained";
    for (const session of this.sessions) {
      if (session.phase === "over") continue;
      session.phase = "over";
      if (session.stream) this.answer(session.stream.port, STREAM_ANSWERS[session.reason] ?? "?");
      this.#answerLeave(session);
    }
  }

  protected newPort(): PortModel {
    const port: PortModel = { answer: undefined, atMs: undefined };
    this.ports.push(port);
    return port;
  }

  protected answer(port: PortModel, answer: string): void {
    if (port.answer !== undefined) return;
    port.answer = answer;
    port.atMs = this.nowMs;
  }
}
