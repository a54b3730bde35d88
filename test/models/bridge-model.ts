// The bridge as the contract describes it, for several users: what is there, what is owed, and what time changes. Tests do
// the same things to it and to the real actors, and compare.

import { PlaybackLives } from "./playback-lives.js";
import type { StreamModel } from "./session-model.js";
import { createSession, deliver, flush } from "./session-model.js";

export class BridgeModel extends PlaybackLives {
  /** Packets that phones have sent; each carries its number. */
  lastNumber = 0;

  // What clients do.

  join(userId: string): void {
    const reply = this.newPort();
    if (this.mode !== "accepting") return this.answer(reply, "UNAVAILABLE draining");
    const older = this.current.get(userId);
    if (!older && this.current.size >= this.sessionsMax) return this.answer(reply, "RESOURCE_EXHAUSTED*");
    if (older) this.close(older, "replaced");
    this.lastGeneration += 1;
    const session = createSession(userId, this.lastGeneration, reply, this.nowMs, "waiting");
    this.sessions.push(session);
    this.current.set(userId, session);
    // A room connection that fails at once does not wait for anybody.
    if (this.brokenRooms.has(userId)) this.crash(session);
    else this.connectIfAlone(userId);
  }

  /** The second comes before anything else can happen: the first has begun to connect, unless it had to wait. */
  joinTwice(userId: string): void {
    const isAlone = this.sessions.every((one) => one.userId !== userId || one.phase === "over");
    const isHeld = this.holds.has(userId);
    if (isAlone) this.holds.add(userId);
    else this.busy.add(userId);
    this.join(userId);
    this.join(userId);
    this.busy.delete(userId);
    this.connectIfAlone(userId);
    if (isAlone && !isHeld) this.releaseConnects(userId);
  }

  cancelJoin(userId: string): void {
    const session = this.current.get(userId);
    if (session && session.phase !== "live") this.close(session, "cancelled");
  }

  leave(userId: string): void {
    const reply = this.newPort();
    const session = this.current.get(userId);
    if (!session) return this.answer(reply, "session not found");
    session.leaveReply = reply;
    this.close(session, "left");
  }

  /** A join, a leave and a stream of before: the session stays as it is. */
  lateCalls(): void {
    this.answer(this.newPort(), "failed to connect to room: superseded by a newer join");
    this.answer(this.newPort(), "session not found");
    this.answer(this.newPort(), "OK");
  }

  openStream(userId: string, isEchoed: boolean, isBroken = false): void {
    const port = this.newPort();
    const id = this.ports.indexOf(port);
    const counts = { heartbeats: 0, echoesDue: 0, echoes: 0, pendingSinceMs: 0, lastAtMs: this.nowMs };
    const stream: StreamModel = {
      userId,
      port,
      id,
      isEchoed,
      ...counts,
      isTaking: true,
      pending: undefined,
      received: [],
      early: undefined,
    };
    this.streams.push(stream);
    const session = this.current.get(userId);
    if (!session) return this.answer(port, "NOT_FOUND*");
    if (session.stream) this.answer(session.stream.port, "OK");
    session.stream = stream;
    if (session.phase !== "live") return;
    if (isBroken) this.crash(session);
    else this.attach(session, stream);
  }

  heartbeat(userId: string): void {
    const session = this.current.get(userId);
    const stream = session?.stream;
    if (!session || !stream) return;
    stream.heartbeats += 1;
    stream.lastAtMs = this.nowMs;
    if (stream.isEchoed) stream.echoesDue += 1;
    flush(session, this.nowMs);
  }

  uplink(userId: string, trackId: number): void {
    const session = this.current.get(userId);
    if (!session?.stream) return;
    session.stream.lastAtMs = this.nowMs;
    if (!session.outage) session.tracks.add(trackId);
  }

  setTaking(userId: string, isTaking: boolean): void {
    const session = this.current.get(userId);
    if (!session?.stream) return;
    session.stream.isTaking = isTaking;
    flush(session, this.nowMs);
  }

  // What LiveKit and the network do.

  talk(userId: string, count: number): void {
    const numbers = Array.from({ length: count }, () => (this.lastNumber += 1));
    const session = this.current.get(userId);
    if (session?.phase !== "live") return;
    if (session.outage) session.outage.held.push(...numbers);
    else deliver(session, numbers, this.nowMs);
  }

  dropTransport(userId: string, durationMs: number, isLost: boolean): void {
    const session = this.current.get(userId);
    if (session) session.outage = { sinceMs: this.nowMs, endsAtMs: this.nowMs + durationMs, isLost, held: [] };
  }

  fault(userId: string): void {
    const session = this.current.get(userId);
    if (session) this.crash(session);
  }

  releaseConnects(userId: string): void {
    this.holds.delete(userId);
    for (const session of this.sessions.filter((one) => one.userId === userId && one.room === "pending")) {
      this.land(session);
    }
  }

  releaseCloses(userId: string): void {
    this.hangs.delete(userId);
    for (const session of this.sessions.filter((one) => one.userId === userId && one.room === "leaving")) {
      this.roomGone(session);
    }
  }

  drain(): void {
    if (this.mode !== "accepting") return;
    this.mode = "draining";
    this.drainingSinceMs = this.nowMs;
    for (const session of this.current.values()) this.close(session, "drain");
    this.releaseIfAllParted();
  }
}
