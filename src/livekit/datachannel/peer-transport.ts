// One peer connection to LiveKit, which carries everything: data packets by two channels both ways, and the sound of the
// tracks that are published. We offer and the server answers, one negotiation at a time.

import { randomUUID } from "node:crypto";
import type { DataChannel, IceServer, PeerConnection } from "node-datachannel";
import type { Clock } from "../../time.js";
import { RoomConnectError } from "../room.js";
import type { LocatedRelay } from "./ice-servers.js";
import { takeCandidates } from "./candidates.js";
import {
  closeWhatIsHeld,
  createPeerConnection,
  createGuard,
  holdUntilClosed,
  holdUntilStateClosed,
  type Fault,
} from "./native.js";
import { LOOPBACK } from "./stream-tunnel.js";
import { RemoteCandidates } from "./remote-candidates.js";
import { StreamWays } from "./stream-ways.js";
import { AudioSender, type AudioSenderOptions } from "./audio-sender.js";

export interface PeerListener {
  /** To be told to the server, as `RTCIceCandidateInit` in JSON. */
  candidate(candidateInit: string): void;
  packet(bytes: Uint8Array, isReliable: boolean): void;
  /** Packets can flow. Once. */
  opened(): void;
  /** The transport is gone, and nobody here has closed it. Once. */
  lost(why: string): void;
}

export interface PeerTransportParts {
  readonly clock: Clock;
  readonly relays: readonly LocatedRelay[];
  /** Where UDP is known not to get through: it is tried last. */
  readonly isTcpFirst: boolean;
  /** Not any more, when it could be opened. */
  readonly isWanted: () => boolean;
  readonly listener: PeerListener;
  readonly fault: Fault;
}

interface OwnParts extends Pick<PeerTransportParts, "isTcpFirst" | "listener" | "fault"> {
  readonly iceServers: IceServer[];
  readonly ways: StreamWays;
}

const OPEN_POLL_MS = 2;
const RELIABLE = "_reliable";
const LOSSY = "_lossy";
/** What it is to the server: it takes these labels, and no others, for data packets. */
const CHANNELS = { [RELIABLE]: {}, [LOSSY]: { unordered: true, maxRetransmits: 0 } } as const;
const LOST_STATES: ReadonlySet<string> = new Set(["failed", "closed"]);

/** Every wake-up of the main thread costs time for each callback that is set on anything of the library: none more than it takes. */
export class PeerTransport {
  readonly #peer: PeerConnection;
  readonly #listener: PeerListener;
  readonly #ways: StreamWays;
  readonly #guard: ReturnType<typeof createGuard>;
  readonly #candidatesOfServer: RemoteCandidates;
  readonly #channels: DataChannel[];
  readonly #senders: AudioSender[] = [];
  /** Senders without a track: as told to nobody yet, as offered, and as the server has agreed. */
  readonly #resting = {
    untold: new Set<AudioSender>(),
    offered: new Set<AudioSender>(),
    agreed: new Set<AudioSender>(),
  };
  /** Each of ours that has been found. */
  readonly #candidates = new Set<string>();
  /** Told before the answer has been taken, a candidate can break the handshake of DTLS. */
  #heldCandidates: string[] | undefined = [];
  #isClosed = false;
  #isLost = false;
  #wasOpen = false;
  #isOverTcp = false;

  /** Rejects when there is no port to be had, or it is not wanted any more. */
  static async open({
    clock,
    relays,
    isTcpFirst,
    isWanted,
    listener,
    fault,
  }: PeerTransportParts): Promise<PeerTransport> {
    const ways = new StreamWays({ clock, lost: (why) => transport?.lose(why) });
    let transport: PeerTransport | undefined;
    try {
      const iceServers = await ways.relays(relays);
      // The library itself may have ended meanwhile.
      if (!isWanted()) throw new RoomConnectError("aborted", "the room is closed");
      transport = new PeerTransport({ iceServers, ways, isTcpFirst, listener, fault });
      return transport;
    } catch (error) {
      ways.close();
      throw error;
    }
  }

  private constructor({ iceServers, ways, isTcpFirst, listener, fault }: OwnParts) {
    this.#listener = listener;
    this.#ways = ways;
    this.#guard = createGuard(() => this.#isClosed, fault);
    this.#peer = createPeerConnection(randomUUID(), {
      iceServers,
      disableAutoNegotiation: true,
      forceMediaTransport: true,
    });
    // Our own addresses are found with the offer; those that relays give us come later.
    if (iceServers.length > 0) {
      this.#peer.onLocalCandidate(this.#guard((candidate: string, mid: string) => this.#onCandidate(candidate, mid)));
    }
    // One that is malformed spoils neither the answer nor the others.
    const add = this.#guard((candidate: string, mid: string) => this.#peer.addRemoteCandidate(candidate, mid));
    this.#candidatesOfServer = new RemoteCandidates(ways, add, isTcpFirst);
    holdUntilStateClosed(
      this.#peer,
      this.#guard((state: string) => {
        if (LOST_STATES.has(state)) this.lose(state);
        if (state === "connected") this.#awaitOpen();
      }),
    );
    this.#channels = Object.entries(CHANNELS).map(([label, config]) => this.#openChannel(label, config));
  }

  /** The next offer, with all that has been added. The caller sees to it that there is one negotiation at a time. */
  offer(): string {
    move(this.#resting.untold, this.#resting.offered);
    // One that was never answered would stand in the way of any other.
    if (this.#peer.signalingState() === "have-local-offer") this.#peer.setLocalDescription("rollback");
    this.#peer.setLocalDescription("offer");
    const { sdp } = this.#peer.localDescription() ?? {};
    if (sdp === undefined) throw new Error("the connection is closed");
    const { text, candidates } = takeCandidates(sdp);
    for (const { candidate, mid } of candidates) this.#onCandidate(candidate, mid);
    return this.#complete(text);
  }

  /** Throws for what is no answer to the last offer. */
  answer(sdp: string): void {
    if (this.#isClosed) return;
    const { text, candidates } = takeCandidates(sdp);
    this.#peer.setRemoteDescription(text, "answer");
    move(this.#resting.offered, this.#resting.agreed);
    for (const candidate of candidates) this.#candidatesOfServer.learn(candidate);
    this.#candidatesOfServer.begin();
    const held = this.#heldCandidates ?? [];
    this.#heldCandidates = undefined;
    for (const candidateInit of held) this.#listener.candidate(candidateInit);
  }

  /** `candidateInit`: `RTCIceCandidateInit` in JSON. Throws for what is none. */
  addCandidate(candidateInit: string): void {
    if (this.#isClosed) return;
    const { candidate, sdpMid } = JSON.parse(candidateInit) as { candidate?: unknown; sdpMid?: unknown };
    if (typeof candidate !== "string" || candidate === "") return;
    this.#candidatesOfServer.learn({ candidate, mid: typeof sdpMid === "string" ? sdpMid : "0" });
  }

  /** Packets come from now on; the library has kept those that came before. */
  listen(): void {
    for (const channel of this.#channels) {
      const isReliable = channel.getLabel() === RELIABLE;
      channel.onMessage(
        this.#guard((bytes: string | Buffer | ArrayBuffer) => {
          if (bytes instanceof Uint8Array) this.#listener.packet(bytes, isReliable);
        }),
      );
    }
  }

  /** Part of the next offer. */
  addAudio(options: AudioSenderOptions): AudioSender {
    const { isStereo } = options;
    const idle = [...this.#resting.agreed].find((sender) => sender.isStereo === isStereo);
    if (idle) this.#resting.agreed.delete(idle);
    const sender = idle ?? new AudioSender(this.#peer, `audio${this.#senders.length}`, isStereo, this.#guard);
    if (!idle) this.#senders.push(sender);
    sender.carry(options);
    return sender;
  }

  /** Not part of the next offer. */
  removeAudio(sender: AudioSender): void {
    if (this.#isClosed) return;
    sender.rest();
    this.#resting.untold.add(sender);
  }

  /** No way has been found so far: now by UDP and TCP. */
  tryAllWays(): void {
    if (!this.#isClosed) this.#candidatesOfServer.tryAll();
  }

  /** Once it is open: it goes to the server itself, and over TCP. */
  get isOverTcp(): boolean {
    return this.#isOverTcp;
  }

  /** What it goes by has ended. */
  lose(why: string): void {
    if (this.#isClosed || this.#isLost) return;
    this.#isLost = true;
    this.#listener.lost(why);
  }

  /** Idempotent. No callback after it. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#ways.close();
    for (const sender of this.#senders) sender.rest();
    // Channels and tracks are closed with it.
    this.#peer.close();
    closeWhatIsHeld(this.#channels);
  }

  get isOpen(): boolean {
    return !this.#isClosed && !this.#isLost && this.#channels.every((channel) => channel.isOpen());
  }

  /** For the server, when a room is resumed. */
  get channelInfos(): { readonly label: string; readonly id: number }[] {
    return this.#channels.map((channel) => ({ label: channel.getLabel(), id: channel.getId() }));
  }

  #openChannel(label: string, config: (typeof CHANNELS)[keyof typeof CHANNELS]): DataChannel {
    const channel = this.#peer.createDataChannel(label, config);
    holdUntilClosed(
      channel,
      this.#guard(() => this.lose(`channel ${label} closed`)),
    );
    return channel;
  }

  /** The server takes the channels a round trip after it is connected. */
  #awaitOpen(): void {
    if (this.#isLost || this.#wasOpen) return;
    this.#wasOpen = this.isOpen;
    if (this.#wasOpen) {
      this.#settle();
      return this.#listener.opened();
    }
    const again = this.#guard(() => this.#awaitOpen());
    setTimeout(again, OPEN_POLL_MS);
  }

  #settle(): void {
    const { local, remote } = this.#peer.getSelectedCandidatePair() ?? {};
    const loopbackPort = remote?.address === LOOPBACK ? remote.port : undefined;
    this.#isOverTcp = this.#ways.settle({ isRelayed: local?.type === "relay", loopbackPort });
  }

  /** With what the senders carry. */
  #complete(sdp: string): string {
    const sections = sdp.split(/(?=^m=)/m);
    return sections
      .map((section) => {
        const mid = /^a=mid:(\S+)/m.exec(section)?.[1];
        return this.#senders.find((sender) => sender.mid === mid)?.describe(section) ?? section;
      })
      .join("");
  }

  #onCandidate(candidate: string, mid: string): void {
    const init = JSON.stringify({ candidate: candidate.replace(/^a=/, ""), sdpMid: mid, sdpMLineIndex: 0 });
    if (this.#candidates.has(init)) return;
    this.#candidates.add(init);
    if (this.#heldCandidates) this.#heldCandidates.push(init);
    else this.#listener.candidate(init);
  }
}

function move<T>(from: Set<T>, to: Set<T>): void {
  for (const each of from) to.add(each);
  from.clear();
}
