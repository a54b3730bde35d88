// Keeps one room connected: does what the chart of its life decides, with one link after another.

import { LeaveRequest_Action, type JoinResponse, type LeaveRequest } from "@livekit/protocol";
import { createActor, type Actor } from "xstate";
import type { ConnectThrottle } from "../connect-throttle.js";
import { endReason } from "../end-reason.js";
import { RoomConnectError } from "../room.js";
import type { ConnectRequest, RoomEndReason } from "../room.js";
import { backoffMs } from "./backoff.js";
import { NoWayError } from "./find-way.js";
import type { IceServerMemory } from "./ice-servers.js";
import { Link } from "./link.js";
import { Milestone } from "./milestone.js";
import type { CompleteOptions } from "./options.js";
import type { ResumeState } from "./resume-state.js";
import type { RoomConnectionEvent, RoomConnectionPorts } from "./room-connection-context.js";
import { roomConnectionMachine } from "./room-connection-machine.js";
import type { SignalMessage } from "./signal-connection.js";
import type { WayMemory } from "./way-memory.js";

export interface RoomConnectionListener {
  /** We are in the room, though packets may not flow yet; again after each reconnect from scratch. */
  welcomed(join: JoinResponse): void;
  message(message: SignalMessage): void;
  packet(bytes: Uint8Array, isReliable: boolean): void;
  reconnecting(): void;
  /** `isAnew`: with another transport, so that everything has to be published anew. */
  reconnected(isAnew: boolean): void;
  /** Nothing is left; `reason` is why, unless `close` was called. Not after a join that failed. */
  ended(reason: RoomEndReason): void;
  resumeState(): ResumeState;
}

export interface RoomConnectionParts {
  readonly options: CompleteOptions;
  readonly throttle: ConnectThrottle;
  readonly iceServers: IceServerMemory;
  readonly ways: WayMemory;
  readonly request: ConnectRequest;
  /** Scheme, host and port of the request's URL. */
  readonly server: string;
  readonly listener: RoomConnectionListener;
}

export class RoomConnection {
  readonly #parts: RoomConnectionParts;
  readonly #actor: Actor<typeof roomConnectionMachine>;
  /** Reached when the room is joined, missed when it cannot be. */
  readonly #joined = new Milestone<void>();
  /** Reached when nothing is left. */
  readonly #left = new Milestone<void>();
  /** Reached while connected: another one for each reconnect. Missed at the end. */
  #steady = new Milestone<void>();
  #link: Link;
  #isSteady = false;
  #isLinkNew = false;
  #isCloseAsked = false;

  constructor(parts: RoomConnectionParts) {
    this.#parts = parts;
    this.#link = this.#createLink(parts.request.token);
    const { lastWordMs, reconnectMaxMs, clock } = parts.options;
    const input = { ports: this.#ports(), limits: { lastWordMs, reconnectMaxMs } };
    this.#actor = createActor(roomConnectionMachine, { input, clock });
  }

  /** The one there is now. */
  get link(): Link {
    return this.#link;
  }

  /** Resolves as soon as the room is connected; rejects when it has ended. */
  get steady(): Promise<void> {
    return this.#steady.promise;
  }

  /** Settles as `RoomEngine.connect` promises. To be called once. */
  async join(): Promise<void> {
    const { signal } = this.#parts.request;
    const giveUp = () => this.#send({ type: "close" });
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      this.#actor.start();
      if (signal.aborted) giveUp();
      await this.#joined.promise;
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  }

  /** Resolves when nothing is left. Never rejects. */
  close(): Promise<void> {
    this.#isCloseAsked = true;
    this.#send({ type: "close" });
    return this.#left.promise;
  }

  #ports(): RoomConnectionPorts {
    const { listener, options, request } = this.#parts;
    return {
      join: (signal) => this.#join(signal),
      resume: (signal) => this.#link.resume(listener.resumeState(), signal),
      rejoin: (signal) => this.#rejoin(signal),
      leave: () => {
        this.#unsteady();
        return this.#link.close();
      },
      isPeerAlive: () => this.#link.isPeerAlive,
      backoffMs: (failures) => backoffMs(failures, options),
      joined: () => {
        this.#becomeSteady();
        this.#joined.reach();
      },
      joinFailed: (error) => this.#finish(asConnectError(error)),
      reconnecting: () => {
        this.#unsteady();
        this.#isLinkNew = false;
        listener.reconnecting();
      },
      reconnected: () => {
        listener.reconnected(this.#isLinkNew);
        this.#becomeSteady();
      },
      ended: (reason) => {
        const isGivenUp = this.#isCloseAsked || request.signal.aborted;
        this.#finish(
          isGivenUp
            ? new RoomConnectError("aborted", "given up")
            : new RoomConnectError("unreachable", `the server ended it: ${reason}`),
        );
        listener.ended(reason);
      },
    };
  }

  /** Who waits for a steady connection now waits for the next one. */
  #unsteady(): void {
    if (this.#isSteady) this.#steady = new Milestone();
    this.#isSteady = false;
  }

  #becomeSteady(): void {
    this.#isSteady = true;
    this.#steady.reach();
  }

  #finish(error: RoomConnectError): void {
    this.#joined.miss(error);
    this.#steady.miss(error);
    this.#left.reach();
  }

  async #join(signal: AbortSignal): Promise<void> {
    const { throttle, server, listener } = this.#parts;
    const giveBack = await throttle.acquire(server, signal).catch(() => {
      throw new RoomConnectError("aborted", "given up before its turn");
    });
    const join = () => this.#link.join(signal, (welcome) => listener.welcomed(welcome));
    try {
      await join().catch((error: unknown) => {
        if (signal.aborted || !(error instanceof NoWayError)) throw error;
        // A packet lost or doubled in the wrong moment can spoil a handshake for good; and the server may have named a relay.
        this.#link = this.#createLink(this.#link.token);
        return join();
      });
    } finally {
      giveBack();
    }
  }

  /** The old link is closed first: what it still says must not be taken for the new one's. */
  async #rejoin(signal: AbortSignal): Promise<void> {
    const { token } = this.#link;
    void this.#link.close();
    this.#link = this.#createLink(token);
    this.#isLinkNew = true;
    await this.#join(signal);
  }

  #createLink(token: string): Link {
    const { options, iceServers, ways, request, listener } = this.#parts;
    const { url } = request;
    return new Link({
      options,
      iceServers,
      ways,
      url,
      token,
      listener: {
        message: (message) => {
          if (message.case === "leave") this.#onLeave(message.value);
          else listener.message(message);
        },
        packet: (bytes, isReliable) => listener.packet(bytes, isReliable),
        signalLost: (why) => this.#lost("signal.lost", why),
        peerLost: (why) => this.#lost("peer.lost", why),
      },
    });
  }

  #lost(type: "signal.lost" | "peer.lost", why: string): void {
    this.#parts.options.logger.info({ server: this.#parts.server, why }, type);
    this.#unsteady();
    this.#send({ type });
  }

  /** What comes when all is over is nothing to complain of. */
  #send(event: RoomConnectionEvent): void {
    if (this.#actor.getSnapshot().status === "active") this.#actor.send(event);
  }

  #onLeave({ action, reason }: LeaveRequest): void {
    // A server asks for a resume when the transport has failed for it. That would take a restart of ICE, which libdatachannel
    // does not have, and it would notice the failure itself a quarter of a minute later.
    if (action === LeaveRequest_Action.DISCONNECT) this.#send({ type: "server.ended", reason: endReason(reason) });
    else this.#send({ type: "server.rejoin" });
  }
}

function asConnectError(error: unknown): RoomConnectError {
  if (error instanceof RoomConnectError) return error;
  return new RoomConnectError("internal", error instanceof Error ? error.message : String(error), { cause: error });
}
