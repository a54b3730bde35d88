// A phone of the load that costs as little as a sender can: one peer connection with data channels by libdatachannel, no
// media engine. It joins in one round trip and answers to nothing but what keeps it in the room.

import { randomUUID } from "node:crypto";
import {
  DataPacket,
  DataPacket_Kind,
  Ping,
  SessionDescription,
  SignalRequest,
  SignalResponse,
  SignalTarget,
  TrickleRequest,
  UserPacket,
} from "@livekit/protocol";
import type { DataChannel } from "node-datachannel";
import { PeerConnection } from "node-datachannel";
import { WebSocket } from "ws";
import { joinUrl } from "../../src/livekit/datachannel/join-request.js";

export interface LeanPhone {
  /** False: the channel is not open, or took no more. */
  send(payload: Uint8Array, isReliable: boolean): boolean;
  /** Bytes that the library has not got rid of. */
  readonly waitingBytes: number;
  close(): void;
}

const OPEN_MAX_MS = 10_000;
const PING_EVERY_MS = 5000;

type Request = NonNullable<NonNullable<ConstructorParameters<typeof SignalRequest>[0]>["message"]>;

/** `interrupted` is called when the room, or the way there, is lost. */
export async function joinLeanPhone(url: string, token: string, interrupted: () => void): Promise<LeanPhone> {
  const peer = new PeerConnection(randomUUID(), {
    iceServers: [],
    disableAutoNegotiation: true,
    forceMediaTransport: true,
  });
  const reliable = peer.createDataChannel("_reliable");
  const lossy = peer.createDataChannel("_lossy", { unordered: true, maxRetransmits: 0 });
  let isClosed = false;
  let sequence = 0;
  let ping: NodeJS.Timeout | undefined;
  const candidates: (() => void)[] = [];
  let isAnswered = false;

  const socket = new WebSocket(joinUrl(url, { publisherOffer: await offerOf(peer) }), {
    headers: { Authorization: `Bearer ${token}` },
    perMessageDeflate: false,
  });
  const tell = (message: Request) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(new SignalRequest({ message }).toBinary());
  };
  const lost = () => {
    if (!isClosed) interrupted();
  };
  // Told before the answer has been taken, a candidate can break the handshake of DTLS.
  peer.onLocalCandidate((candidate, sdpMid) => {
    const candidateInit = JSON.stringify({ candidate: candidate.replace(/^a=/, ""), sdpMid, sdpMLineIndex: 0 });
    const trickle = () =>
      tell({ case: "trickle", value: new TrickleRequest({ target: SignalTarget.PUBLISHER, candidateInit }) });
    if (isAnswered) trickle();
    else candidates.push(trickle);
  });
  peer.onStateChange((state) => {
    if (state === "disconnected" || state === "failed") lost();
  });
  socket.on("close", lost);
  socket.on("message", (data: Buffer) => {
    const { message } = SignalResponse.fromBinary(data);
    if (message.case === "answer") {
      peer.setRemoteDescription(message.value.sdp, "answer");
      isAnswered = true;
      for (const trickle of candidates.splice(0)) trickle();
    } else if (message.case === "trickle") {
      const { candidate, sdpMid } = JSON.parse(message.value.candidateInit) as { candidate?: string; sdpMid?: string };
      if (candidate) peer.addRemoteCandidate(candidate, sdpMid ?? "0");
    } else if (message.case === "leave") lost();
  });
  const close = () => {
    isClosed = true;
    clearInterval(ping);
    socket.terminate();
    reliable.close();
    lossy.close();
    peer.close();
  };
  try {
    await opened(reliable, socket);
  } catch (error) {
    close();
    throw error;
  }
  ping = setInterval(() => {
    tell({ case: "pingReq", value: new Ping({ timestamp: BigInt(Date.now()), rtt: 0n }) });
  }, PING_EVERY_MS);
  return {
    send(payload, isReliable) {
      const kind = isReliable ? DataPacket_Kind.RELIABLE : DataPacket_Kind.LOSSY;
      const value = { case: "user", value: new UserPacket({ payload }) } as const;
      const packet = new DataPacket({ kind, value, ...(isReliable ? { sequence: (sequence += 1) } : {}) });
      const channel = isReliable ? reliable : lossy;
      return channel.isOpen() && channel.sendMessageBinary(packet.toBinary());
    },
    get waitingBytes() {
      return isClosed ? 0 : reliable.bufferedAmount() + lossy.bufferedAmount();
    },
    close,
  };
}

function offerOf(peer: PeerConnection): Promise<SessionDescription> {
  return new Promise((resolve) => {
    peer.onLocalDescription((sdp, type) => resolve(new SessionDescription({ type, sdp, id: 1 })));
    peer.setLocalDescription();
  });
}

function opened(channel: DataChannel, socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no data channel within ${OPEN_MAX_MS} ms`)), OPEN_MAX_MS);
    channel.onOpen(() => {
      clearTimeout(late);
      resolve();
    });
    socket.once("error", (error) => {
      clearTimeout(late);
      reject(error);
    });
  });
}
