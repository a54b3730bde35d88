// A phone: joins the room, sends its microphone as numbered data packets, and does what a phone's app does when it loses
// the room: join again, with a fresh token, until it works. It dies without a word, by SIGKILL, as an app that is swiped
// away.

import type * as RtcNode from "@livekit/rtc-node";
import type { Room } from "@livekit/rtc-node";
import { AccessToken } from "livekit-server-sdk";
import { keepHandles } from "../support/kept-handles.js";
import { numberedPacket, PACKET_MS, packetNumberAt } from "./numbered-packet.js";
import { obey, programInput, report } from "./told.js";

export interface PhoneInput {
  readonly url: string;
  readonly identity: string;
  readonly room: string;
  /** For the first join: what the cloud gave it. Left out, and for later ones, it makes its own. */
  readonly token?: string;
  readonly apiKey: string;
  readonly apiSecret: string;
}

/** A phone gives up on a server that does not answer, and tries again. */
const CONNECT_MAX_MS = 3000;
const RETRY_AFTER_MS = 300;
/** Packets that the room has not taken yet; beyond this, what the microphone says is lost. */
const PENDING_MAX = 10;

const input = programInput() as PhoneInput;
keepHandles();
const rtc: typeof RtcNode = await import("@livekit/rtc-node");

let room: Room | undefined;
let isMicrophoneOn = true;
/** Until it is told to leave, or killed. */
const intent = { isWanted: true };
let pending = 0;
/** Packets that never left the phone since it joined for the first time. */
let unsent = 0;
let joins = 0;
let nextNumber = packetNumberAt(Date.now());

async function freshToken(): Promise<string> {
  const token = new AccessToken(input.apiKey, input.apiSecret, { identity: input.identity, ttl: 300 });
  token.addGrant({ roomJoin: true, room: input.room, canPublish: true, canPublishData: true, canSubscribe: false });
  return token.toJwt();
}

async function joinOnce(token: string): Promise<void> {
  const fresh = new rtc.Room();
  const limits = { connectTimeoutMs: BigInt(CONNECT_MAX_MS), joinRetries: 0 };
  await fresh.connect(input.url, token, { autoSubscribe: false, dynacast: false, ...limits });
  fresh.on("reconnecting", () => report("reconnecting", { atMs: Date.now() }));
  fresh.on("reconnected", () => report("reconnected", { atMs: Date.now() }));
  fresh.on("disconnected", (reason) => {
    room = undefined;
    report("disconnected", { reason, atMs: Date.now() });
    if (intent.isWanted) void joinUntilItWorks();
  });
  if (!fresh.isConnected) throw new Error("disconnected at once");
  room = fresh;
  if (joins === 0) unsent = 0;
  joins += 1;
  report("joined", { atMs: Date.now() });
}

async function joinUntilItWorks(first?: string): Promise<void> {
  let given = first;
  while (intent.isWanted) {
    try {
      const token = given ?? (await freshToken());
      given = undefined;
      await joinOnce(token);
      return;
    } catch (error) {
      report("join-failed", { error: error instanceof Error ? error.message : String(error), atMs: Date.now() });
      await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER_MS));
    }
  }
}

function speak(): void {
  const now = Date.now();
  for (const due = packetNumberAt(now); nextNumber <= due; nextNumber += 1) send(nextNumber);
}

function send(number: number): void {
  const local = room?.localParticipant;
  if (!local || !isMicrophoneOn || pending >= PENDING_MAX) {
    unsent += 1;
    return;
  }
  pending += 1;
  local
    .publishData(numberedPacket({ number, sentAtMs: Date.now() }), { reliable: true })
    .catch(() => undefined)
    .finally(() => (pending -= 1));
}

obey({
  microphone: ({ on }) => void (isMicrophoneOn = on === true),
  unsent: () => ({ unsent }),
  async leave() {
    intent.isWanted = false;
    await room?.disconnect();
  },
});
setInterval(speak, PACKET_MS);
report("ready");
void joinUntilItWorks(input.token);
