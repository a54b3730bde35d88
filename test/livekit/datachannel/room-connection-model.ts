// What the seam promises of a room's connection, as plainly as it can be said: the model beside which the chart is walked.

import type { RoomEndReason } from "../../../src/livekit/room.js";

export type Mode = "joining" | "connected" | "wondering" | "resuming" | "rejoining" | "waiting" | "leaving" | "left";

export const LIMITS = { lastWordMs: 300, reconnectMaxMs: 5003, backoffMinMs: 100, backoffMaxMs: 1000 };

export class RoomConnectionModel {
  mode: Mode = "joining";
  isPeerAlive = true;
  readonly told: string[] = ["join"];
  #nowMs = 0;
  #failures = 0;
  #endReason: RoomEndReason = "connection_lost";
  /** When the server has had its last word, or the wait is over. */
  #dueAtMs = Number.POSITIVE_INFINITY;
  #giveUpAtMs = Number.POSITIVE_INFINITY;

  get isOver(): boolean {
    return this.mode === "leaving" || this.mode === "left";
  }

  get isTrying(): boolean {
    return this.mode === "joining" || this.mode === "resuming" || this.mode === "rejoining";
  }

  signalLost(): void {
    if (this.mode === "connected") this.#regain("resuming");
    else if (this.mode === "wondering") this.#regain("rejoining");
  }

  peerLost(): void {
    this.isPeerAlive = false;
    if (this.mode === "resuming") this.#begin("rejoining");
    else if (this.mode === "connected") {
      this.mode = "wondering";
      this.#dueAtMs = this.#nowMs + LIMITS.lastWordMs;
    }
  }

  serverWantsRejoin(): void {
    if (this.mode === "connected" || this.mode === "wondering") this.#regain("rejoining");
    else if (this.mode === "resuming") this.#begin("rejoining");
  }

  ended(reason: RoomEndReason): void {
    if (this.isOver) return;
    this.#endReason = reason;
    this.#leave();
  }

  close(): void {
    if (!this.isOver) this.#leave();
  }

  worked(): void {
    this.told.push(this.mode === "joining" ? "joined" : "reconnected");
    if (this.mode !== "resuming") this.isPeerAlive = true;
    this.mode = "connected";
    this.#failures = 0;
    this.#giveUpAtMs = Number.POSITIVE_INFINITY;
  }

  failed(text: string, isRefused: boolean): void {
    if (this.mode === "joining") {
      this.told.push(`join failed: ${text}`);
      this.mode = "left";
    } else if (isRefused) this.#leave();
    else {
      this.#failures += 1;
      this.mode = "waiting";
      const waitMs = Math.min(LIMITS.backoffMaxMs, LIMITS.backoffMinMs * 2 ** (this.#failures - 1));
      this.#dueAtMs = this.#nowMs + waitMs;
    }
  }

  finishedLeaving(): void {
    this.told.push(`ended: ${this.#endReason}`);
    this.mode = "left";
  }

  pass(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      this.#nowMs = Math.min(this.#giveUpAtMs, this.#dueAtMs);
      if (this.#nowMs > untilMs) break;
      if (this.#nowMs === this.#giveUpAtMs) this.#leave();
      else if (this.mode === "wondering") this.#regain("rejoining");
      else this.#begin(this.isPeerAlive ? "resuming" : "rejoining");
    }
    this.#nowMs = untilMs;
  }

  #regain(how: "resuming" | "rejoining"): void {
    this.told.push("reconnecting");
    this.#giveUpAtMs = this.#nowMs + LIMITS.reconnectMaxMs;
    this.#begin(how);
  }

  #begin(how: "resuming" | "rejoining"): void {
    this.mode = how;
    this.#dueAtMs = Number.POSITIVE_INFINITY;
    this.told.push(how === "resuming" ? "resume" : "rejoin");
  }

  #leave(): void {
    this.mode = "leaving";
    this.#dueAtMs = Number.POSITIVE_INFINITY;
    this.#giveUpAtMs = Number.POSITIVE_INFINITY;
    this.told.push("leave");
  }
}
