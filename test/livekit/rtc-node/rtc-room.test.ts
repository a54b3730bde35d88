import { ConnectCallback_Result } from "@livekit/rtc-ffi-bindings/proto/room_pb.js";
import { DisconnectReason } from "@livekit/rtc-ffi-bindings/proto/participant_pb.js";
import { describe, expect, test } from "vitest";
import { createPacer } from "../../../src/livekit/pacer.js";
import type { DataPacket } from "../../../src/livekit/room.js";
import { FfiClient } from "../../../src/livekit/rtc-node/ffi-client.js";
import { completeOptions } from "../../../src/livekit/rtc-node/options.js";
import { RtcRoom } from "../../../src/livekit/rtc-node/rtc-room.js";
import { createSimulatedClock } from "../../support/simulated-clock.js";
import { createFakeNative, type EventMessage } from "./fake-native.js";

const [ROOM, LOCAL, PHONE, PHONE_TRACK] = [10n, 11n, 12n, 13n];
const MONO = { sampleRateHz: 48_000, channels: 1 } as const;
type RoomEventMessage = Exclude<Extract<EventMessage, { case: "roomEvent" }>["value"]["message"], undefined>;

function setUp(options: { canPublish?: boolean; isRefusedAtStart?: boolean } = {}) {
  const clock = createSimulatedClock();
  const native = createFakeNative();
  const client = new FfiClient(native);
  const heard: string[] = [];
  const packets: DataPacket[] = [];
  const logged: string[] = [];
  const log = (_fields: object, message: string): void => void logged.push(message);
  const logger = { debug: log, info: log, warn: log, error: log };
  if (options.isRefusedAtStart) native.refuseNext("failed to handle request: handle not found (FfiRequest { .. })");
  const room = new RtcRoom({
    client,
    options: completeOptions({ clock, logger }),
    pacer: createPacer(clock, 10),
    result: joined(options.canPublish ?? true),
    listener: {
      packet: (packet) => void packets.push(packet),
      participantJoined: (identity) => void heard.push(`+${identity}`),
      participantLeft: (identity) => void heard.push(`-${identity}`),
      reconnecting: () => void heard.push("reconnecting"),
      reconnected: () => void heard.push("reconnected"),
      ended: (reason) => void heard.push(`${reason}, ${client.counts().rooms} routes`),
    },
    onReleased: () => void heard.push("released"),
  });
  const give = (message: RoomEventMessage): void =>
    native.give({ case: "roomEvent", value: { roomHandle: ROOM, message } });
  const answerDisconnect = (): void => native.give({ case: "disconnect", value: { asyncId: native.lastAsyncId } });
  return { clock, native, client, heard, packets, logged, room, give, answerDisconnect };
}

function joined(canPublish: boolean): ConnectCallback_Result {
  return new ConnectCallback_Result({
    room: { handle: { id: ROOM }, info: { name: "room" } },
    localParticipant: { handle: { id: LOCAL }, info: { identity: "bridge", permission: { canPublish } } },
    participants: [
      {
        participant: { handle: { id: PHONE }, info: { identity: "phone" } },
        publications: [{ handle: { id: PHONE_TRACK } }],
      },
    ],
  });
}

/** LiveKit's messages have many required fields; these are those that the tests do not look at. */
const publicationInfo = (sid: string) => ({
  sid,
  name: "speaker",
  kind: 1,
  source: 0,
  simulcasted: false,
  width: 0,
  height: 0,
  mimeType: "audio/opus",
  muted: false,
  remote: false,
  encryptionType: 0,
});
const participantInfo = (identity: string) => ({
  sid: "PA_1",
  name: "",
  identity,
  state: 2,
  metadata: "",
  kind: 0,
  disconnectReason: 0,
  joinedAt: 0n,
  clientProtocol: 0,
});

const disconnected = (reason: DisconnectReason): RoomEventMessage => ({ case: "disconnected", value: { reason } });

describe("a joined room", () => {
  test("keeps no native object of the others, and says at once that it listens", () => {
    const { native, room } = setUp();
    expect([room.name, room.localIdentity, room.participantCount]).toEqual(["room", "bridge", 2]);
    expect(room.remoteIdentities).toEqual(["phone"]);
    expect(native.dropped).toEqual([PHONE, PHONE_TRACK]);
    expect(native.asked).toEqual(["readyForRoomEvent"]);
  });

  test("that is gone natively before it begins ends as a lost connection", async () => {
    const { clock, heard, answerDisconnect } = setUp({ isRefusedAtStart: true });
    await clock.advance(0);
    answerDisconnect();
    await clock.advance(0);
    expect(heard).toEqual(["released", "connection_lost, 0 routes"]);
  });

  test("copies a packet, drops its native buffer, and names its sender if it is known", () => {
    const { native, packets, give } = setUp();
    for (const [handle, participantIdentity] of [
      [20n, "phone"],
      [21n, ""],
    ] as const)
      give({
        case: "dataPacketReceived",
        value: {
          kind: 1,
          participantIdentity,
          value: {
            case: "user",
            value: { topic: "mic", data: { handle: { id: handle }, data: { dataPtr: 1n, dataLen: 2n } } },
          },
        },
      });
    expect(packets).toEqual([
      { payload: Uint8Array.of(7, 7), senderIdentity: "phone", topic: "mic", isReliable: true },
      { payload: Uint8Array.of(7, 7), senderIdentity: undefined, topic: "mic", isReliable: true },
    ]);
    expect(native.dropped).toEqual([PHONE, PHONE_TRACK, 20n, 21n]);
  });

  test("ended by the server tells so after everything is released, the native tasks included", async () => {
    const { clock, native, client, heard, give, answerDisconnect } = setUp();
    give(disconnected(DisconnectReason.DUPLICATE_IDENTITY));
    give(disconnected(DisconnectReason.UNKNOWN_REASON));
    give({ case: "eos", value: {} });
    await clock.advance(0);
    expect([native.asked.at(-1), heard]).toEqual(["disconnect", []]);
    answerDisconnect();
    await clock.advance(0);
    expect(heard).toEqual(["released", "duplicate_identity, 0 routes"]);
    expect(native.dropped).toEqual([PHONE, PHONE_TRACK, LOCAL, ROOM]);
    expect([client.counts().waiters, clock.pending]).toEqual([0, 0]);
  });

  test("that is asked to leave while it ends does not tell of the end", async () => {
    const { clock, heard, room, give, answerDisconnect } = setUp();
    give(disconnected(DisconnectReason.PARTICIPANT_REMOVED));
    const closing = room.close();
    expect(room.close()).toBe(closing);
    answerDisconnect();
    await closing;
    await clock.advance(0);
    expect(heard).toEqual(["released"]);
  });

  test("leaves within five seconds even if the native side never answers", async () => {
    const { clock, client, heard, logged, room } = setUp();
    const closing = room.close();
    await clock.advance(4999);
    expect(heard).toEqual([]);
    await clock.advance(1);
    await closing;
    expect(heard).toEqual(["released"]);
    expect(logged).toEqual(["leaving a room took too long; it ends behind"]);
    expect([client.counts(), clock.pending]).toMatchObject([{ rooms: 0, waiters: 0 }, 0]);
  });

  test("is silent from the moment it is asked to leave, and still drops what events bring", async () => {
    const { native, heard, packets, room, give } = setUp();
    void room.close();
    give({ case: "participantConnected", value: { info: { handle: { id: 30n }, info: participantInfo("late") } } });
    give({ case: "reconnecting", value: {} });
    expect([heard, packets]).toEqual([[], []]);
    expect(native.dropped).toContain(30n);
  });
});

describe("a track", () => {
  const publication = (sid: string): Partial<Extract<EventMessage, { case: "publishTrack" }>["value"]> => ({
    message: { case: "publication", value: { handle: { id: 40n }, info: publicationInfo(sid) } },
  });

  function publish(stage: ReturnType<typeof setUp>, sid = "TR_1") {
    const reads = { count: 0 };
    const source = { read: () => ((reads.count += 1), 0) };
    const publishing = stage.room.publishTrack("speaker", MONO, source);
    const answer = (): void =>
      stage.native.give({ case: "publishTrack", value: { asyncId: stage.native.lastAsyncId, ...publication(sid) } });
    return { publishing, answer, reads };
  }

  test("hands over its first frame when somebody hears it, or after 300 ms", async () => {
    for (const isHeard of [true, false]) {
      const stage = setUp();
      const { publishing, answer, reads } = publish(stage);
      answer();
      await publishing;
      await stage.clock.advance(290);
      expect(reads.count).toBe(0);
      if (isHeard) stage.give({ case: "localTrackSubscribed", value: { trackSid: "TR_1" } });
      await stage.clock.advance(isHeard ? 0 : 10);
      expect(reads.count).toBe(1);
    }
  });

  test("that the token forbids is refused before anything native is made", async () => {
    const stage = setUp({ canPublish: false });
    await expect(publish(stage).publishing).rejects.toMatchObject({ code: "not_allowed" });
    expect(stage.native.asked).toEqual(["readyForRoomEvent"]);
  });

  test("that is published too late is taken back", async () => {
    const stage = setUp();
    const { publishing, answer } = publish(stage);
    const failing = expect(publishing).rejects.toMatchObject({ code: "timeout" });
    await stage.clock.advance(10_000);
    await failing;
    expect(stage.room.trackCount).toBe(0);
    answer();
    await stage.clock.advance(0);
    expect(stage.native.asked.at(-1)).toBe("unpublishTrack");
    stage.native.give({ case: "unpublishTrack", value: { asyncId: stage.native.lastAsyncId } });
    await stage.clock.advance(0);
    expect(stage.native.dropped).toContain(40n);
    expect([stage.clock.pending, stage.client.counts().waiters]).toEqual([0, 0]);
  });

  test("that the room's end overtakes is refused as such, and leaves nothing", async () => {
    const stage = setUp();
    const { publishing } = publish(stage);
    const failing = expect(publishing).rejects.toMatchObject({ code: "room_ended" });
    const closing = stage.room.close();
    stage.answerDisconnect();
    await Promise.all([failing, closing]);
    expect([stage.room.trackCount, stage.clock.pending]).toEqual([0, 0]);
  });

  test("is never unpublished by an id that would abort the process", async () => {
    const stage = setUp();
    const { publishing, answer } = publish(stage, "odd");
    answer();
    const track = await publishing;
    await track.close();
    expect(stage.native.asked).not.toContain("unpublishTrack");
    expect(stage.room.trackCount).toBe(0);
  });

  test("that is closed during a reconnect is unpublished after it, by its new id", async () => {
    const stage = setUp();
    const { publishing, answer } = publish(stage);
    answer();
    const track = await publishing;
    stage.give({ case: "reconnecting", value: {} });
    const closing = track.close();
    await stage.clock.advance(1000);
    expect(stage.native.asked).not.toContain("unpublishTrack");
    stage.give({
      case: "localTrackRepublished",
      value: { publicationHandle: 40n, previousSid: "TR_1", info: publicationInfo("TR_2") },
    });
    stage.give({ case: "reconnected", value: {} });
    await stage.clock.advance(0);
    expect(stage.native.asked.at(-1)).toBe("unpublishTrack");
    stage.native.give({ case: "unpublishTrack", value: { asyncId: stage.native.lastAsyncId } });
    await closing;
    expect([stage.room.trackCount, stage.clock.pending]).toEqual([0, 0]);
  });
});
