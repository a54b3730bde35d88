// The signal connection of a link: one at a time. A new one takes the place of the one before, and none outlives the link,
// not even one that opens after it was closed: the server has let somebody in by then, who has to be taken out again.

import type { JoinResponse } from "@livekit/protocol";
import { RoomConnectError } from "../room.js";
import { joinUrl } from "./join-request.js";
import { openSignal, type SignalConnection, type SignalRequestParts } from "./signal-connection.js";
import type { SignalRequestMessage } from "./signal-connection.js";

/** Of the connections, but for what differs from one to the next. */
export type LinkSignalParts = Pick<SignalRequestParts, "clock" | "url" | "timeoutMs" | "listener" | "fault">;

export class LinkSignal {
  readonly #parts: LinkSignalParts;
  #current: SignalConnection | undefined;
  /** Settles when the last attempt to open one has; never rejects. */
  #opening: Promise<unknown> | undefined;
  #isLeft = false;

  constructor(parts: LinkSignalParts) {
    this.#parts = parts;
  }

  /** Rejects with `RoomConnectError`; nothing is left of the attempt then. */
  open(token: string, request: Parameters<typeof joinUrl>[1], signal: AbortSignal): Promise<void> {
    void this.#current?.close();
    const opening = this.#open(token, request, signal);
    this.#opening = opening.catch(() => undefined);
    return opening;
  }

  get isOpen(): boolean {
    return this.#current?.isOpen === true;
  }

  keepPace(join: JoinResponse): void {
    this.#current?.keepPace(join);
  }

  /** False when there is no connection for it. */
  tell(message: SignalRequestMessage): boolean {
    return this.#current?.tell(message) ?? false;
  }

  /** Says good-bye, and resolves when nothing is left. Bounded, never rejects. */
  async leave(): Promise<void> {
    this.#isLeft = true;
    await Promise.all([this.#current?.leave(), this.#opening]);
  }

  async #open(token: string, request: Parameters<typeof joinUrl>[1], signal: AbortSignal): Promise<void> {
    const url = joinUrl(this.#parts.url, request);
    const connection = await openSignal({ ...this.#parts, url, token, signal }, (unwanted) => unwanted.leave());
    this.#current = connection;
    if (!this.#isLeft) return;
    // The server's first words came along, and were its last.
    await connection.leave();
    throw new RoomConnectError("aborted", "the room is closed");
  }
}
