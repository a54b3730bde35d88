// The phones: each in a room of its own, speaking in data packets at fixed moments. They use the native library by its
// requests: one request for each phone, encoded once, since the library copies a packet before it returns and the packet's
// memory stays where it is. So a sender costs as little as a sender in Node can.

import { IceTransportType, ContinualGatheringPolicy } from "@livekit/rtc-ffi-bindings";
import type { FfiClient } from "../../../src/livekit/rtc-node/ffi-client.js";
import { ownedHandles, remoteHandles } from "../../../src/livekit/rtc-node/owned-handles.js";
import { acquireSharedClient, releaseSharedClient } from "../../../src/livekit/rtc-node/shared-client.js";
import type { Access } from "../access.js";
import { mintToken } from "../access.js";
import { inTurn } from "../in-turn.js";
import { serve } from "../serve.js";
import type { Speaker } from "../speech.js";
import { speakAtPace, speakersOf } from "../speech.js";

export interface PhonesSpeak {
  readonly phase: number;
  readonly seconds: number;
  readonly packetsPerSecond: number;
  readonly packetBytes: number;
  readonly isReliable: boolean;
  /** The first so many phones speak. */
  readonly speakers: number;
  /** Of all phones of all processes: this process's phones are every `stride`-th from `first` on. */
  readonly first: number;
  readonly stride: number;
}

export interface Spoken {
  /** Packets by phone of this process. */
  readonly sent: readonly number[];
  readonly lateMs: Float64Array;
  /** Packets that the native library refused, at once or later. */
  readonly refused: number;
  /** Packets that the native library had not got rid of at the end. */
  readonly unsent: number;
  /** How often a phone lost its room, or its way there, since it joined. */
  readonly interruptions: number;
}

interface Phone extends Speaker {
  readonly roomHandle: bigint;
  readonly localParticipantHandle: bigint;
}

const CONNECTS_AT_ONCE = 4;

const client: FfiClient = acquireSharedClient();
const phones: Phone[] = [];
let refused = 0;
let answered = 0;
let interruptions = 0;
let speech = new AbortController();

client.on("ffi_event", ({ message }: { message: { case?: string; value?: { error?: string } } }) => {
  if (message.case !== "publishData") return;
  answered += 1;
  if ((message.value?.error ?? "") !== "") refused += 1;
});

async function connect(url: string, token: string): Promise<Phone> {
  const rtcConfig = {
    iceTransportType: IceTransportType.TRANSPORT_ALL,
    continualGatheringPolicy: ContinualGatheringPolicy.GATHER_ONCE,
    iceServers: [],
  };
  const options = {
    autoSubscribe: false,
    dynacast: false,
    adaptiveStream: false,
    // Two small connections cost less than one made for six incoming tracks.
    singlePeerConnection: false,
    rtcConfig,
  };
  const { message } = await client.call({ case: "connect", value: { url, token, options } });
  if (message.case !== "result") throw new Error(`a phone could not join: ${message.value ?? "no reason given"}`);
  const roomHandle = message.value.room?.handle?.id ?? 0n;
  for (const handle of remoteHandles(message.value)) client.dropHandle(handle);
  client.addRoom(roomHandle, (event) => {
    const change = event.message.case;
    if (change === "reconnecting" || change === "disconnected") interruptions += 1;
    for (const handle of ownedHandles(event)) client.dropHandle(handle);
  });
  client.ask({ case: "readyForRoomEvent", value: { roomHandle } });
  return { roomHandle, localParticipantHandle: message.value.localParticipant?.handle?.id ?? 0n, packetCount: 0 };
}

const duties = {
  async join({ access, users }: { access: Access; users: readonly string[] }): Promise<void> {
    await inTurn(users, CONNECTS_AT_ONCE, async (user, index) => {
      phones[index] = await connect(access.url, await mintToken(access, user, user));
    });
  },

  async speak(work: PhonesSpeak): Promise<Spoken> {
    const { packetBytes } = work;
    const speaking = speakersOf(phones, work);
    const packets = speaking.map(() => Buffer.alloc(packetBytes, 0x5a));
    const requests = speaking.map(({ localParticipantHandle }, index) =>
      client.encode({
        case: "publishData",
        value: {
          localParticipantHandle,
          dataPtr: client.retrievePtr(packets[index] ?? Buffer.alloc(0)),
          dataLen: BigInt(packetBytes),
          reliable: work.isReliable,
          destinationSids: [],
          destinationIdentities: [],
        },
      }),
    );
    refused = 0;
    answered = 0;
    speech = new AbortController();
    const { sent, lateMs } = await speakAtPace(work, speaking, speech.signal, {
      packetOf: (at) => packets[at],
      send(at) {
        const request = requests[at];
        if (request) client.requestBytes(request);
      },
    });
    const unsent = sent.reduce((sum, count) => sum + count, 0) - answered;
    return { sent, lateMs, refused, unsent, interruptions };
  },

  /** Ends what they say before its time. */
  async hush(): Promise<void> {
    speech.abort();
  },

  async leave(): Promise<void> {
    for (const { roomHandle } of phones) {
      await client.call({ case: "disconnect", value: { roomHandle } });
      client.removeRoom(roomHandle);
    }
    phones.length = 0;
    await releaseSharedClient();
  },
};

export type PhonesDuties = typeof duties;
serve(duties);
