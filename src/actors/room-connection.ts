// Connects, owns and closes one session's room; nothing else ever closes it. A connect that cannot be cancelled is waited
// for and its late room closed here, so a room is orphaned neither by a leave during the join nor by a crash.

import { fromCallback } from "xstate";
import type { SessionMedia } from "../audio/session-media.js";
import type { Room, RoomEndReason, RoomEngine, RoomListener } from "../livekit/room.js";
import type { RoomConnectionCommand, RoomConnectionInput } from "../machines/session-context.js";
import type { FaultEvent, RoomEvent } from "../machines/session-events.js";
import type { JoinRequest, SessionLabel } from "../machines/ports.js";
import { redact } from "../redact.js";
import type { Clock } from "../time.js";
import type { Strays } from "./strays.js";
import { createStrays } from "./strays.js";
import type { ReportFault } from "./total.js";
import { total } from "./total.js";

export interface RoomConnectionParts {
  readonly engine: RoomEngine;
  readonly clock: Clock;
  readonly createMedia: (label: SessionLabel, request: JoinRequest, fault: ReportFault) => SessionMedia;
  /** Returns why the address is refused by policy, if it is. */
  readonly refuseUrl: (url: string) => string | undefined;
  /** The session is over; its counters are final. */
  readonly mediaClosed: (media: SessionMedia) => void;
  readonly connected: (label: SessionLabel, request: JoinRequest, room: Room) => void;
}

type SendBack = (event: RoomEvent | FaultEvent) => void;

export function createRoomConnection(parts: RoomConnectionParts) {
  const strays = createStrays(parts.clock);
  return fromCallback<RoomConnectionCommand, RoomConnectionInput>(({ input, sendBack, receive }) => {
    const connection = new RoomConnection(parts, strays, input, sendBack);
    const fault = (error: unknown) => sendBack({ type: "session.fault", error });
    const command = (event: RoomConnectionCommand) => {
      if (event.type === "room.connect") connection.connect();
      else connection.close();
    };
    receive(total(fault, undefined, command));
    // Both ways of ending lead to the same release; whichever comes second finds nothing left to do.
    input.scope.signal.addEventListener("abort", () => connection.close(), { once: true });
    return () => connection.close();
  });
}

class RoomConnection {
  readonly #parts: RoomConnectionParts;
  readonly #strays: Strays;
  readonly #input: RoomConnectionInput;
  readonly #sendBack: SendBack;
  readonly #media: SessionMedia;
  readonly #abortion = new AbortController();
  #connecting: Promise<void> | undefined;
  #isPending = false;
  #room: Room | undefined;
  #isClosing = false;

  constructor(parts: RoomConnectionParts, strays: Strays, input: RoomConnectionInput, sendBack: SendBack) {
    this.#parts = parts;
    this.#strays = strays;
    this.#input = input;
    this.#sendBack = sendBack;
    const fault = (error: unknown) => sendBack({ type: "session.fault", error });
    this.#media = parts.createMedia(input.label, input.request, fault);
  }

  connect(): void {
    if (this.#connecting || this.#isClosing) return;
    this.#isPending = true;
    this.#connecting = this.#connect();
  }

  /** Leaves the room, or gives up on reaching it. Reports `room.closed` when nothing is left. */
  close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#abortion.abort();
    if (this.#connecting && this.#isPending) this.#strays.add(this.#input.label.userId, this.#connecting);
    void this.#release();
  }

  async #connect(): Promise<void> {
    const { engine, refuseUrl, connected } = this.#parts;
    const { request, label } = this.#input;
    const { url, token } = request;
    try {
      const refusal = refuseUrl(url);
      if (refusal !== undefined) throw new Error(refusal);
      this.#room = await engine.connect({ url, token, signal: this.#abortion.signal }, this.#listener());
      this.#isPending = false;
      this.#media.connected(this.#room);
      if (this.#isClosing) return;
      connected(label, request, this.#room);
      this.#sendBack({ type: "room.connected", room: this.#media });
    } catch (error) {
      // Before anybody hears of it: a connect that has failed can no longer come late.
      this.#isPending = false;
      const message = redact(error instanceof Error ? error.message : String(error));
      if (!this.#isClosing) this.#sendBack({ type: "room.failed", message });
    }
  }

  /** Step by step: whatever one of them throws, the room is left and its end reported. */
  async #release(): Promise<void> {
    const fault = (error: unknown) => this.#sendBack({ type: "session.fault", error });
    total(fault, undefined, () => this.#media.close())();
    try {
      await this.#connecting;
      await this.#room?.close();
    } catch (error) {
      fault(error);
    }
    total(fault, undefined, () => this.#parts.mediaClosed(this.#media))();
    this.#sendBack({ type: "room.closed" });
  }

  #listener(): RoomListener {
    const media = this.#media;
    const fault = (error: unknown) => this.#sendBack({ type: "session.fault", error });
    return {
      packet: total(fault, undefined, (packet) => media.packet(packet)),
      participantJoined: total(fault, undefined, (identity) => media.participantJoined(identity)),
      participantLeft: total(fault, undefined, (identity) => media.participantLeft(identity)),
      reconnecting: total(fault, undefined, () => {
        media.reconnecting(true);
        this.#sendBack({ type: "room.reconnecting" });
      }),
      reconnected: total(fault, undefined, () => {
        media.reconnecting(false);
        this.#sendBack({ type: "room.reconnected" });
      }),
      ended: total(fault, undefined, (reason: RoomEndReason) => {
        // Put out by a connect of our own that came too late to be of use: nobody else wants the room.
        const isOurs = reason === "duplicate_identity" && this.#strays.has(this.#input.label.userId);
        this.#sendBack({ type: "room.ended", reason: isOurs ? "connection_lost" : reason });
      }),
    };
  }
}
