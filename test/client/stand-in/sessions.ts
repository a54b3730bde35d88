// Sessions, streams and playbacks of the stand-in, without any room behind them.

import type { AudioStream } from "./audio-stream.js";
import type { Kind, Status } from "./behaviour.js";
import type { StreamEnd } from "./control.js";
import type { Playback } from "./playback.js";

export interface Session {
  readonly generation: number;
  readonly participantId: string;
}

/** A join that has not been answered. */
export interface PendingJoin {
  readonly over: AbortSignal;
  giveUp(error: string): void;
}

export class Sessions {
  readonly kind: Kind;
  readonly streams = new Set<AudioStream>();
  readonly playbacks = new Set<Playback>();
  readonly lastEnds = new Map<string, { readonly atMs: number; readonly reason: string }>();
  readonly #open = new Map<string, Session>();
  /** The stream that belongs to the user's session, of all that may still be open. */
  readonly #attached = new Map<string, AudioStream>();
  readonly #pending = new Map<string, PendingJoin>();
  #generation = 0;

  constructor(kind: Kind) {
    this.kind = kind;
  }

  get size(): number {
    return this.#open.size;
  }

  get(userId: string): Session | undefined {
    return this.#open.get(userId);
  }

  /** A bridge of this project gives up the older join of the same user; one from before lets both go on. */
  addPending(userId: string, join: PendingJoin): void {
    if (this.kind === "new") this.#pending.get(userId)?.giveUp("failed to connect to room: superseded by a newer join");
    this.#pending.set(userId, join);
    const remove = () => {
      if (this.#pending.get(userId) === join) this.#pending.delete(userId);
    };
    if (join.over.aborted) remove();
    else join.over.addEventListener("abort", remove, { once: true });
  }

  pendingJoin(userId: string): PendingJoin | undefined {
    return this.#pending.get(userId);
  }

  open(userId: string, participantId: string): Session {
    this.#generation += 1;
    const session = { generation: this.#generation, participantId };
    this.#open.set(userId, session);
    return session;
  }

  async attach(stream: AudioStream): Promise<void> {
    this.streams.add(stream);
    const older = this.#attached.get(stream.userId);
    this.#attached.set(stream.userId, stream);
    await older?.end(this.ok("replaced"));
  }

  /** Takes the stream from the user's session, which then may end without it. */
  detach(userId: string): AudioStream | undefined {
    const stream = this.#attached.get(userId);
    this.#attached.delete(userId);
    return stream;
  }

  closed(stream: AudioStream, how: "ended" | "half_closed" | "cancelled"): void {
    this.streams.delete(stream);
    if (this.#attached.get(stream.userId) !== stream) return;
    this.#attached.delete(stream.userId);
    if (how === "cancelled") this.remove(stream.userId, "stream_error");
  }

  /** Ends the session and its stream in order; resolves when the end of the stream is on its way. */
  async close(userId: string, reason: string): Promise<void> {
    const stream = this.detach(userId);
    this.remove(userId, reason);
    await stream?.end(this.ok(reason));
  }

  remove(userId: string, reason: string): void {
    if (!this.#open.delete(userId)) return;
    this.lastEnds.set(userId, { atMs: Date.now(), reason });
    for (const playback of this.playbacksOf(userId)) playback.fail("session closed", "CANCELLED");
  }

  /** Ends streams as a test says. Returns how many. */
  async endStreams(userId: string | undefined, end: StreamEnd): Promise<number> {
    const { code = "OK", details = "", reason, keepsSession = this.kind === "old" && code === "OK" } = end;
    const hit = [...this.streams].filter((stream) => userId === undefined || stream.userId === userId);
    const metadata = { ...end.metadata, ...(reason === undefined ? {} : { "bridge-end-reason": reason }) };
    for (const stream of hit) {
      if (!keepsSession && this.#attached.get(stream.userId) === stream) {
        this.remove(stream.userId, reason ?? "connection_lost");
      }
    }
    await Promise.all(hit.map((stream) => stream.end({ code, details, metadata })));
    return hit.length;
  }

  attachedTo(userId: string): AudioStream | undefined {
    return this.#attached.get(userId);
  }

  playbacksOf(userId: string): Playback[] {
    return [...this.playbacks].filter((playback) => playback.userId === userId);
  }

  /** A bridge from before says of no stream why it ended. */
  ok(reason: string): Status {
    return this.kind === "old" ? { code: "OK" } : { code: "OK", metadata: { "bridge-end-reason": reason } };
  }
}
