// A server that does all that a join needs, but for what a test has it do otherwise.

import {
  type AddTrackRequest,
  DisconnectReason,
  JoinResponse,
  LeaveRequest,
  type LeaveRequest_Action,
  ReconnectResponse,
  SessionDescription,
  TrackPublishedResponse,
} from "@livekit/protocol";
import type { WebSocket } from "ws";
import { FarPeer } from "./far-peer.js";
import { startSignalServer, type Conversation, type SignalServer } from "./signal-server.js";

export const LOCAL = { sid: "PA_bridge", identity: "bridge", permission: { canPublish: true } };

/** The server's side of one connection. What it does can be replaced before it is done. */
export class Host {
  readonly conversation: Conversation;
  /** It goes on with the transport of the host before it. */
  readonly isResumed: boolean;
  readonly #before: Host | undefined;
  #peer: FarPeer | undefined;

  constructor(conversation: Conversation, before: Host | undefined) {
    this.conversation = conversation;
    this.isResumed = conversation.joinRequest.reconnect;
    this.#before = before;
  }

  /** Made when it is needed. */
  get peer(): FarPeer {
    this.#peer ??= this.isResumed ? this.#before?.peer : undefined;
    this.#peer ??= new FarPeer((candidateInit) => this.tellCandidate(candidateInit));
    return this.#peer;
  }

  close(): void {
    this.#peer?.close();
  }

  join = (): JoinResponse => new JoinResponse({ room: { name: "room", sid: "RM_1" }, participant: LOCAL });

  welcome = (): void => {
    if (this.isResumed) this.conversation.say({ case: "reconnect", value: new ReconnectResponse() });
    else this.conversation.say({ case: "join", value: this.join() });
  };

  onOffer = (offer: SessionDescription): Promise<void> => this.answer(offer);

  onTrack = ({ cid }: AddTrackRequest): void =>
    this.conversation.say({
      case: "trackPublished",
      value: new TrackPublishedResponse({ cid, track: { sid: `TR_${cid}` } }),
    });

  tellCandidate = (candidateInit: string): void => this.conversation.say({ case: "trickle", value: { candidateInit } });

  onCandidate = (candidateInit: string): void => this.peer.addCandidate(candidateInit);

  async answer({ id, sdp }: SessionDescription): Promise<void> {
    const answer = await this.peer.answer(sdp);
    this.conversation.say({ case: "answer", value: new SessionDescription({ type: "answer", sdp: answer, id }) });
  }

  leave(action: LeaveRequest_Action, reason = DisconnectReason.UNKNOWN_REASON): void {
    this.conversation.say({ case: "leave", value: new LeaveRequest({ action, reason }) });
  }

  start(): void {
    const { conversation } = this;
    conversation.onHeard((message) => {
      if (message.case === "offer") void this.onOffer(message.value);
      else if (message.case === "addTrack") this.onTrack(message.value);
      else if (message.case === "trickle") this.onCandidate(message.value.candidateInit);
    });
    this.welcome();
    const { publisherOffer } = conversation.joinRequest;
    if (publisherOffer) void this.onOffer(publisherOffer);
  }
}

/** What is said in there goes out in one piece, as the network likes to deliver it. */
export function oneBreath(socket: WebSocket, say: () => void): void {
  const wire = (socket as unknown as { _socket: { cork(): void; uncork(): void } })._socket;
  wire.cork();
  say();
  wire.uncork();
}

export interface LyingServer extends SignalServer {
  readonly hosts: readonly Host[];
  /** Once there are so many. */
  host(count?: number): Promise<Host>;
}

/** `lie` changes a host before it has said a word. */
export async function startLyingServer(lie: (host: Host, index: number) => void): Promise<LyingServer> {
  const hosts: Host[] = [];
  const server = await startSignalServer((conversation, index) => {
    const host = new Host(conversation, hosts.at(-1));
    hosts.push(host);
    lie(host, index);
    host.start();
  });
  return {
    ...server,
    hosts,
    async host(count = 1) {
      await server.conversation(count);
      const found = hosts[count - 1];
      if (!found) throw new Error("no such host");
      return found;
    },
    async stop() {
      for (const host of hosts) host.close();
      await server.stop();
    },
  };
}
