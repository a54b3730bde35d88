// The server's end of a transport: a peer connection of the same library, which answers what a client offers.

import { EventEmitter, once } from "node:events";
import { DataPacket, UserPacket } from "@livekit/protocol";
import * as nodeDataChannel from "node-datachannel";
import type { DataChannel, PeerConnection } from "node-datachannel";
import { eventually } from "../../support/eventually.js";

/** Objects of the library have to be held until it is done with them: here to the end of the tests. */
const kept: object[] = [];
let open = 0;

/** Far peers that are not closed yet. */
export const farCount = (): number => open;

export class FarPeer {
  /** By label. */
  readonly channels = new Map<string, DataChannel>();
  /** `RTCIceCandidateInit`s in JSON. */
  readonly candidates: string[] = [];
  readonly #peer: PeerConnection;
  readonly #events = new EventEmitter();
  #state = "new";
  #isClosed = false;

  constructor(onCandidate: (candidateInit: string) => void = () => undefined) {
    this.#peer = new nodeDataChannel.PeerConnection("far", { iceServers: [], bindAddress: "127.0.0.1" });
    kept.push(this);
    open += 1;
    this.#peer.onLocalDescription((sdp) => this.#events.emit("described", sdp));
    this.#peer.onLocalCandidate((candidate, mid) => {
      const init = JSON.stringify({ candidate, sdpMid: mid, sdpMLineIndex: 0 });
      this.candidates.push(init);
      onCandidate(init);
    });
    this.#peer.onDataChannel((channel) => {
      this.channels.set(channel.getLabel(), channel);
    });
    this.#peer.onTrack((track) => kept.push(track));
    this.#peer.onStateChange((state) => {
      this.#state = state;
      if (state === "closed") open -= 1;
    });
  }

  async answer(offer: string): Promise<string> {
    const described = once(this.#events, "described");
    this.#peer.setRemoteDescription(offer, "offer");
    const [sdp] = (await described) as [string];
    return sdp;
  }

  addCandidate(candidateInit: string): void {
    const { candidate, sdpMid } = JSON.parse(candidateInit) as { candidate: string; sdpMid: string };
    if (!this.#isClosed) this.#peer.addRemoteCandidate(candidate, sdpMid);
  }

  async open(): Promise<void> {
    await eventually("the far side is open", () => this.#state === "connected" && this.channels.size === 2);
  }

  /** A packet of a user, as the server passes it on. */
  sendPacket(text: string, sequence = 0): void {
    const value = { case: "user" as const, value: new UserPacket({ payload: Buffer.from(text) }) };
    const packet = new DataPacket({ participantIdentity: "phone", participantSid: "PA_phone", sequence, value });
    this.channels.get("_reliable")?.sendMessageBinary(packet.toBinary());
  }

  get state(): string {
    return this.#state;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#peer.close();
  }
}
