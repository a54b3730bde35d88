// What the client's contract says of a connection, as plainly as it can be said: the model beside which the chart is walked.

export type Mode = "idle" | "joining" | "streaming" | "waiting" | "closed";

const CLEAN_ENDS_TO_COME_BACK_FROM: ReadonlySet<string> = new Set(["room_deleted"]);
export const BACKOFF_BASE_MS = 2_000;
export const BACKOFF_MAX_MS = 30_000;
export const STABLE_AFTER_MS = 1000;

export class ConnectionModel {
  mode: Mode = "idle";
  nowMs = 0;
  /** Joins that were begun, ever. */
  attempts = 0;
  /** Failures in a row since the last stable stream. */
  failures = 0;
  isPersistent = false;
  /** When the wait is over, or the stream stable. */
  dueAtMs = Number.POSITIVE_INFINITY;
  readonly told: string[] = [];

  get isActive(): boolean {
    return this.mode === "joining" || this.mode === "streaming";
  }

  want(isPersistent: boolean): void {
    if (this.mode === "closed") return;
    if (this.mode === "idle") this.#begin();
    // A wait goes on: what is asked for comes after it.
    else if (this.mode === "waiting") return;
    this.isPersistent ||= isPersistent;
  }

  rejoin(isPersistent: boolean, isRestart: boolean): void {
    if (this.mode === "closed") return;
    this.isPersistent ||= isPersistent;
    if (this.mode === "streaming") this.told.push("make way");
    if (this.mode !== "joining" || isRestart) this.#begin();
  }

  disconnect(): void {
    if (this.mode === "closed") return;
    this.told.push("leave bye");
    this.#rest("idle");
  }

  dispose(): void {
    if (this.mode === "closed") return;
    this.told.push("leave dispose");
    this.#rest("closed");
  }

  accepted(): void {
    this.mode = "streaming";
    this.isPersistent = true;
    this.dueAtMs = this.nowMs + STABLE_AFTER_MS;
    this.told.push("streaming");
  }

  ended(reason: string): void {
    if (this.isPersistent && CLEAN_ENDS_TO_COME_BACK_FROM.has(reason)) return this.#wait();
    this.told.push(`ended ${reason}`);
    this.#rest("idle");
  }

  failed(): void {
    if (this.isPersistent) return this.#wait();
    this.told.push(`failed ${this.failures + 1} for good`);
    this.#rest("idle");
  }

  channelBack(): void {
    this.#begin();
  }

  pass(ms: number): void {
    const untilMs = this.nowMs + ms;
    if (this.dueAtMs <= untilMs) {
      this.nowMs = this.dueAtMs;
      this.dueAtMs = Number.POSITIVE_INFINITY;
      if (this.mode === "waiting") this.#begin();
      else if (this.mode === "streaming") this.failures = 0;
    }
    this.nowMs = untilMs;
  }

  #begin(): void {
    this.mode = "joining";
    this.attempts += 1;
    this.dueAtMs = Number.POSITIVE_INFINITY;
  }

  /** The longest wait that may be drawn: the test draws that. */
  #wait(): void {
    this.failures += 1;
    const delayMs = Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** (this.failures - 1));
    this.told.push(`failed ${this.failures} again in ${delayMs}`);
    this.mode = "waiting";
    this.dueAtMs = this.nowMs + delayMs;
  }

  #rest(mode: "idle" | "closed"): void {
    this.mode = mode;
    this.isPersistent = false;
    this.failures = 0;
    this.dueAtMs = Number.POSITIVE_INFINITY;
  }
}
