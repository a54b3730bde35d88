// The wire of one room: the signal connection and the peer transport that was negotiated over it. A link is joined once; its
// signal connection can be replaced, its transport cannot.

import {
  DisconnectReason,
  ReconnectReason,
  SessionDescription,
  SignalTarget,
  TrickleRequest,
  type JoinResponse,
} from "@livekit/protocol";
import { RoomConnectError } from "../room.js";
import type { AudioSender, AudioSenderOptions } from "./audio-sender.js";
import { findWay } from "./find-way.js";
import type { IceServerMemory, LocatedRelay } from "./ice-servers.js";
import { LinkSignal } from "./link-signal.js";
import { End, Milestone } from "./milestone.js";
import { inTime } from "./in-time.js";
import type { CompleteOptions } from "./options.js";
import { PeerTransport } from "./peer-transport.js";
import { syncState, type ResumeState } from "./resume-state.js";
import type { SignalMessage, SignalRequestMessage } from "./signal-connection.js";
import type { WayMemory } from "./way-memory.js";

export interface LinkListener {
  /** What the server says, but for what concerns the wire itself. */
  message(message: SignalMessage): void;
  packet(bytes: Uint8Array, isReliable: boolean): void;
  signalLost(why: string): void;
  peerLost(why: string): void;
}

export interface LinkParts {
  readonly options: CompleteOptions;
  readonly url: string;
  readonly token: string;
  readonly iceServers: IceServerMemory;
  readonly ways: WayMemory;
  readonly listener: LinkListener;
}

const NEGOTIATION_MAX_MS = 10_000;

export class Link {
  readonly #parts: LinkParts;
  readonly #origin: string;
  readonly #signal: LinkSignal;
  #token: string;
  #sid = "";
  #peer: PeerTransport | undefined;
  #offer: SessionDescription | undefined;
  #answer: SessionDescription | undefined;
  #negotiation: Promise<void> = Promise.resolve();
  #isJoined = false;
  #isClosed = false;
  #closed: Promise<void> | undefined;
  /** What is waited for; made anew for each join, resume and negotiation. */
  #welcome = new Milestone<JoinResponse | undefined>();
  #answered = new Milestone<void>();
  readonly #opened = new Milestone<void>();
  readonly #end = new End();

  readonly #fault = (error: unknown): void => {
    this.#parts.options.logger.warn({ err: error }, "handling what LiveKit sent failed");
  };

  constructor(parts: LinkParts) {
    this.#parts = parts;
    this.#origin = new URL(parts.url).host;
    this.#token = parts.token;
    const { options, url, listener } = parts;
    this.#signal = new LinkSignal({
      clock: options.clock,
      url,
      timeoutMs: options.signalTimeoutMs,
      fault: this.#fault,
      listener: {
        message: (message) => this.#onMessage(message),
        lost: (why) => {
          this.#miss(new RoomConnectError("unreachable", `the connection to the server was lost: ${why}`));
          if (!this.#isClosed) listener.signalLost(why);
        },
      },
    });
  }

  get isPeerAlive(): boolean {
    return this.#peer?.isOpen === true;
  }

  /** As the server has renewed it. */
  get token(): string {
    return this.#token;
  }

  /** Resolves when packets can flow. Rejects with `RoomConnectError`, and is closed then. `welcomed` comes as early as it can. */
  async join(signal: AbortSignal, welcomed: (join: JoinResponse) => void): Promise<void> {
    const abort = () => this.#fail(new RoomConnectError("aborted", "given up"));
    signal.addEventListener("abort", abort, { once: true });
    try {
      await this.#join(signal, welcomed);
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  async #join(signal: AbortSignal, welcomed: (join: JoinResponse) => void): Promise<void> {
    const { options, iceServers, ways } = this.#parts;
    const { clock, signalTimeoutMs, peerTimeoutMs } = options;
    let peer = iceServers.mayOfferAtOnce(this.#origin) ? await this.#createPeer([]) : undefined;
    const request = peer ? { publisherOffer: this.#makeOffer(peer) } : {};
    await this.#signal.open(this.#token, request, signal);
    const join = await inTime(clock, signalTimeoutMs, this.#welcome.promise, "the server did not say who is there");
    if (!join) throw new RoomConnectError("internal", "the server resumed what was to be joined");
    if (!join.participant?.identity) throw new RoomConnectError("internal", "the server did not say who we are");
    this.#sid = join.participant.sid;
    this.#signal.keepPace(join);
    const relays = iceServers.learn(this.#origin, join.iceServers);
    welcomed(join);
    if (!peer) {
      peer = await this.#createPeer(await iceServers.locate(relays));
      this.tell({ case: "offer", value: this.#makeOffer(peer) });
    }
    const sinceMs = clock.now();
    await inTime(clock, peerTimeoutMs, this.#answered.promise, "the server did not answer the offer");
    await findWay(peer, this.#opened.promise, options, sinceMs);
    ways.went(this.#origin, peer.isOverTcp);
    this.#isJoined = true;
    peer.listen();
  }

  /** A new signal connection for the transport that still stands. Rejects with `RoomConnectError`. */
  async resume(state: ResumeState, signal: AbortSignal): Promise<void> {
    this.#welcome = new Milestone();
    const abort = () => this.#welcome.miss(new RoomConnectError("aborted", "given up"));
    signal.addEventListener("abort", abort, { once: true });
    try {
      const syncedState = syncState(state, {
        offer: this.#offer,
        answer: this.#answer,
        channels: this.#peer?.channelInfos ?? [],
      });
      const request = {
        reconnect: true,
        reconnectReason: ReconnectReason.RR_SIGNAL_DISCONNECTED,
        participantSid: this.#sid,
        syncState: syncedState,
      };
      await this.#signal.open(this.#token, request, signal);
      const { clock, signalTimeoutMs } = this.#parts.options;
      const join = await inTime(clock, signalTimeoutMs, this.#welcome.promise, "the server did not resume the room");
      if (join) {
        this.#parts.listener.peerLost("the server knows nothing of it any more");
        throw new RoomConnectError("internal", "the server joined what was to be resumed");
      }
      // What was lost in the same breath as it was welcomed.
      if (!this.#signal.isOpen) throw new RoomConnectError("unreachable", "the connection to the server was lost");
    } finally {
      signal.removeEventListener("abort", abort);
    }
    // What was offered while nobody listened is offered again.
    if (this.#offer && this.#answer?.id !== this.#offer.id) this.tell({ case: "offer", value: this.#offer });
  }

  /** False when there is no connection for it. */
  tell(message: SignalRequestMessage): boolean {
    return this.#signal.tell(message);
  }

  /** The promise, or a rejection when the link is closed first. */
  whileOpen<T>(promise: Promise<T>): Promise<T> {
    return this.#end.before(promise);
  }

  /** Part of the next negotiation. */
  addAudio(options: AudioSenderOptions): AudioSender {
    if (!this.#peer) throw new Error("not joined");
    return this.#peer.addAudio(options);
  }

  removeAudio(sender: AudioSender): void {
    this.#peer?.removeAudio(sender);
  }

  /** Offers what has been added and removed, after the negotiations before. Rejects when the server does not answer. */
  negotiate(): Promise<void> {
    const mine = this.#negotiation.then(() => this.#negotiate());
    this.#negotiation = mine.catch(() => undefined);
    return mine;
  }

  /** Says good-bye and lets go of everything. Idempotent, bounded, never rejects. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    this.#fail(new RoomConnectError("aborted", "the room is closed"));
    const isLeft = this.#signal.leave();
    this.#peer?.close();
    await isLeft;
  }

  async #createPeer(relays: readonly LocatedRelay[]): Promise<PeerTransport> {
    const { listener, options, ways } = this.#parts;
    const peer = await PeerTransport.open({
      clock: options.clock,
      relays,
      isTcpFirst: ways.isTcpFirst(this.#origin),
      isWanted: () => !this.#isClosed,
      fault: this.#fault,
      listener: {
        candidate: (candidateInit) => {
          const trickle = new TrickleRequest({ target: SignalTarget.PUBLISHER, candidateInit });
          this.tell({ case: "trickle", value: trickle });
        },
        packet: (bytes, isReliable) => listener.packet(bytes, isReliable),
        opened: () => this.#opened.reach(),
        lost: (why) => {
          this.#opened.miss(new RoomConnectError("unreachable", `the transport was lost: ${why}`));
          listener.peerLost(why);
        },
      },
    });
    this.#peer = peer;
    return peer;
  }

  #makeOffer(peer: PeerTransport): SessionDescription {
    this.#offer = new SessionDescription({ type: "offer", sdp: peer.offer(), id: (this.#offer?.id ?? 0) + 1 });
    return this.#offer;
  }

  async #negotiate(): Promise<void> {
    if (this.#isClosed || !this.#peer) throw new RoomConnectError("aborted", "the room is closed");
    this.#answered = new Milestone();
    this.tell({ case: "offer", value: this.#makeOffer(this.#peer) });
    await inTime(
      this.#parts.options.clock,
      NEGOTIATION_MAX_MS,
      this.#answered.promise,
      "the server did not answer the offer",
    );
  }

  #onMessage(message: SignalMessage): void {
    switch (message.case) {
      case "join":
        return this.#welcome.reach(message.value);
      case "reconnect":
        return this.#welcome.reach(undefined);
      case "answer":
        return this.#onAnswer(message.value);
      case "trickle":
        return this.#peer?.addCandidate(message.value.candidateInit);
      case "refreshToken":
        this.#token = message.value || this.#token;
        return;
      case "leave":
        this.#miss(
          new RoomConnectError("unreachable", `the server ended it: ${DisconnectReason[message.value.reason]}`),
        );
        return this.#parts.listener.message(message);
      default:
        this.#parts.listener.message(message);
    }
  }

  /** A join or a resume has failed. Once joined, what else is under way ends with the room, or goes on in it. */
  #miss(error: RoomConnectError): void {
    if (this.#isJoined) this.#welcome.miss(error);
    else this.#fail(error);
  }

  #onAnswer(answer: SessionDescription): void {
    // A late answer to an offer that was given up and made anew.
    if (answer.id !== 0 && answer.id !== this.#offer?.id) return;
    try {
      this.#peer?.answer(answer.sdp);
      this.#answer = answer;
      this.#answered.reach();
    } catch (error) {
      this.#answered.miss(new RoomConnectError("internal", "the server's answer cannot be used", { cause: error }));
    }
  }

  /** Nothing that is waited for will come. */
  #fail(error: RoomConnectError): void {
    this.#welcome.miss(error);
    this.#answered.miss(error);
    this.#opened.miss(error);
    this.#end.come(error);
  }
}
