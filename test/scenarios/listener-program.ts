// Somebody else in a user's room, straight on LiveKit. He is the control of what happens at a phone: what he needs to hear it
// is LiveKit's and the phone's, the rest is the bridge's and the cloud's. And he hears what the cloud plays and says.

import type * as RtcNode from "@livekit/rtc-node";
import type { RemoteParticipant, RemoteTrack, RemoteTrackPublication } from "@livekit/rtc-node";
import { AccessToken } from "livekit-server-sdk";
import { keepHandles } from "../support/kept-handles.js";
import { audibleMs, frequencyOf, level } from "../support/tone.js";
import { readPacketMark } from "./numbered-packet.js";
import type { PhoneInput } from "./phone-program.js";
import { obey, programInput, report } from "./told.js";

const PACKETS_KEPT_MAX = 20_000;
/** Of 10 ms each. */
const FRAMES_KEPT_MAX = 3000;
const RATE_HZ = 48_000;
/** Louder is sound, of Opus's own noise nothing is. */
const SILENCE_LEVEL = 0.02;

interface Frame {
  readonly atMs: number;
  readonly samples: Int16Array;
}

const input = programInput() as PhoneInput;
keepHandles();
const rtc: typeof RtcNode = await import("@livekit/rtc-node");
/** Unix times in milliseconds: of sending, of arrival. */
const packets: (readonly [number, number])[] = [];
const tracks = new Map<string, Frame[]>();

async function listen(track: RemoteTrack, name: string): Promise<void> {
  const frames = tracks.get(name) ?? [];
  tracks.set(name, frames);
  const options = { sampleRate: RATE_HZ, numChannels: 1, frameSizeMs: 10 };
  const reader = new rtc.AudioStream(track, options).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done || !value) return;
    frames.push({ atMs: Date.now(), samples: value.data });
    if (frames.length > FRAMES_KEPT_MAX) frames.shift();
  }
}

/** What was audible on a track since then: for how long, and as which tone. */
function sound(name: string, sinceMs: number) {
  const frames = (tracks.get(name) ?? []).filter(({ atMs }) => atMs >= sinceMs);
  const loud = frames.filter(({ samples }) => level(samples) > SILENCE_LEVEL);
  const samples = Int16Array.from(loud.flatMap((frame) => Array.from(frame.samples)));
  return { audibleMs: audibleMs(samples), frequencyHz: frequencyOf(samples), firstAtMs: loud[0]?.atMs };
}

const room = new rtc.Room();
// LiveKit tells up to 3 s later who it is that speaks, and the bridge has to know, too.
room.on("dataReceived", (payload: Uint8Array, sender?: RemoteParticipant) => {
  const mark = readPacketMark(payload);
  if (mark && sender) packets.push([mark.sentAtMs, Date.now()]);
  if (packets.length > PACKETS_KEPT_MAX) packets.splice(0, PACKETS_KEPT_MAX / 2);
});
room.on("trackSubscribed", (track: RemoteTrack, publication: RemoteTrackPublication) => {
  if (track.kind === rtc.TrackKind.KIND_AUDIO) void listen(track, publication.name ?? "").catch(() => undefined);
});
obey({
  /** When the first packet that was sent after `sinceMs` arrived. */
  since: ({ sinceMs }) => ({ heardAtMs: packets.find(([sentAtMs]) => sentAtMs > Number(sinceMs))?.[1] }),
  sound: ({ track, sinceMs }) => sound(String(track), Number(sinceMs)),
  tracks: () => ({ tracks: [...tracks.keys()] }),
  leave: () => room.disconnect(),
});
const token = new AccessToken(input.apiKey, input.apiSecret, { identity: input.identity, ttl: 300 });
token.addGrant({ roomJoin: true, room: input.room, canPublish: false, canPublishData: false, canSubscribe: true });
await room.connect(input.url, await token.toJwt(), { autoSubscribe: true, dynacast: false });
report("ready");
