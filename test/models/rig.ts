// The control plane of a bridge without gRPC: the real supervisor, sessions, room connections, stream attachments and
// media, over embedded rooms and on a clock that tests move. Only the calls of the cloud are stand-ins.

import type { ActorRefFrom, EventObject, InspectionEvent } from "xstate";
import { createActor, fromCallback } from "xstate";
import { createRoomConnection } from "../../src/actors/room-connection.js";
import { createSessionScope } from "../../src/actors/session-scope.js";
import { createStreamAttachment } from "../../src/actors/stream-attachment.js";
import { loadResampler } from "../../src/audio/resampler.js";
import { SessionMedia } from "../../src/audio/session-media.js";
import { readConfig } from "../../src/config.js";
import { mediaLimits, supervisorLimits } from "../../src/limits.js";
import type { EmbeddedParticipant } from "../../src/livekit/embedded/participant.js";
import type { EmbeddedRooms } from "../../src/livekit/embedded/rooms.js";
import { createEmbeddedRooms } from "../../src/livekit/embedded/rooms.js";
import type { ConnectRequest, RoomEngine, RoomListener } from "../../src/livekit/room.js";
import type { PlayerInput } from "../../src/machines/playback-context.js";
import { playbackMachine } from "../../src/machines/playback.js";
import type { PlaybackRequest, SessionEnd } from "../../src/machines/ports.js";
import { sessionMachine } from "../../src/machines/session.js";
import { readCounts, readUserStatus } from "../../src/machines/status.js";
import { supervisorMachine } from "../../src/machines/supervisor.js";
import { createSimulatedClock } from "../support/simulated-clock.js";
import type { SimulatedClock } from "../support/simulated-clock.js";
import type { PlaybackBreakage } from "./playback-ports.js";
import { FakePlaybackPort, FakeStopReply } from "./playback-ports.js";
import type { PortDesk } from "./ports.js";
import { FakeJoinReply, FakeLeaveReply, FakeStreamPort } from "./ports.js";
import type { Recorder } from "./recorder.js";
import { createRecorder } from "./recorder.js";

export type SessionLogic = typeof sessionMachine;

export interface RigOptions {
  /** Settings that differ from the defaults, as in the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Replaces the session's logic by another of the same kind. */
  readonly session?: (logic: SessionLogic, rig: { readonly clock: SimulatedClock }) => SessionLogic;
  readonly inspect?: (event: InspectionEvent) => void;
  /** Wraps the engine: hooks between the room connection and the rooms. */
  readonly engine?: (engine: RoomEngine) => RoomEngine;
  readonly createMedia?: (options: ConstructorParameters<typeof SessionMedia>[0], userId: string) => SessionMedia;
}

export interface RoomCall {
  readonly request: ConnectRequest;
  /** As the room connection made it; calling it plays the room. */
  readonly listener: RoomListener;
}

/** Which playbacks StopAudio means; nothing means all. */
export interface StopWishes {
  readonly requestId?: string;
  readonly trackId?: number;
}

export interface Rig extends PortDesk {
  readonly clock: SimulatedClock;
  readonly rooms: EmbeddedRooms;
  readonly engine: RoomEngine;
  readonly supervisor: ActorRefFrom<typeof supervisorMachine>;
  readonly recorder: Recorder;
  /** What reached the supervisor's root as an error: nothing, in any test. */
  readonly failures: unknown[];
  /** Calls to the engine, by user. */
  readonly calls: ReadonlyMap<string, RoomCall[]>;
  readonly medias: ReadonlyMap<number, SessionMedia>;
  /** Lets everything that is due now happen. */
  settle(): Promise<void>;
  join(user: string): Promise<FakeJoinReply>;
  cancelJoin(user: string, reply: FakeJoinReply): void;
  leave(user: string): FakeLeaveReply;
  /** A join, a leave and a stream that the cloud sent before its last join, and that arrive only now. */
  late(user: string): (FakeJoinReply | FakeLeaveReply | FakeStreamPort)[];
  open(user: string, isEchoed?: boolean, broken?: FakeStreamPort["broken"]): FakeStreamPort;
  /** On a track of its own and under an id of its own unless `wishes` say otherwise. */
  play(user: string, wishes?: Partial<PlaybackRequest>, broken?: PlaybackBreakage): FakePlaybackPort;
  cancelPlay(user: string, port: FakePlaybackPort): void;
  stopAudio(user: string, which?: StopWishes): FakeStopReply;
  /** The phone of `user`, in its room; comes in if it is not there. */
  phone(user: string): Promise<EmbeddedParticipant>;
  /** Packets of the phone, each of 640 bytes, the number in its first four. */
  talk(user: string, ...numbers: readonly number[]): Promise<void>;
  drain(): void;
  status(user: string): ReturnType<typeof readUserStatus>;
  counts(): ReturnType<typeof readCounts>;
  /** Ends everything, and returns how many timers are left. */
  stop(): Promise<number>;
}

const URL_OF_ROOMS = "ws://embedded.invalid";
const URL_OF_AUDIO = "http://audio.invalid/clip.wav?signature=secret";
const PACKET_BYTES = 640;
/** Tracks that no test names, so that a play interrupts another only when a test wants it to. */
const OWN_TRACKS = 1000;
/** Shared by all rigs, since minting is what costs most. */
const tokens = new Map<string, string>();
const resampler = loadResampler();

export const bridgeIdentity = (user: string): string => `cloud-agent:${user}`;

export function numberedPacket(number: number): Uint8Array {
  const packet = Buffer.alloc(PACKET_BYTES);
  packet.writeUInt32LE(number);
  return packet;
}

export const numberOf = (packet: Uint8Array): number => Buffer.from(packet).readUInt32LE();

async function tokenFor(rooms: EmbeddedRooms, user: string): Promise<string> {
  const token = tokens.get(user) ?? (await rooms.token(bridgeIdentity(user), user, { ttlSeconds: 7 * 24 * 3600 }));
  tokens.set(user, token);
  return token;
}

export async function createRig(options: RigOptions = {}): Promise<Rig> {
  const clock = createSimulatedClock();
  const failures: unknown[] = [];
  const rooms = createEmbeddedRooms({
    clock,
    url: URL_OF_ROOMS,
    onListenerError: (error) => failures.push(error),
  });
  const plain = rooms.engine();
  const config = readConfig({ LIVEKIT_URL: URL_OF_ROOMS, ...options.env });
  const desk: PortDesk = { clock, violations: [], settlements: [] };
  const recorder = createRecorder();
  const medias = new Map<number, SessionMedia>();
  const { engine, calls } = tapEngine(options.engine?.(plain) ?? plain);
  const createResampler = await resampler;
  const create = options.createMedia ?? ((media) => new SessionMedia(media));
  const session = sessionMachine.provide({
    actors: {
      roomConnection: createRoomConnection({
        engine,
        clock,
        createMedia({ userId, generation }, { targetIdentity }, fault) {
          const observer = { overflowed() {}, packets() {}, publishFailed() {} };
          const now = () => clock.now();
          const limits = mediaLimits(config);
          const media = create({ targetIdentity, limits, createResampler, now, observer, fault }, userId);
          medias.set(generation, media);
          return media;
        },
        mediaClosed() {},
        refuseUrl: () => undefined,
        connected() {},
      }),
      streamAttachment: createStreamAttachment({ clock, sendTimeoutMs: config.BRIDGE_SEND_TIMEOUT_MS }),
      playback: playbackMachine.provide({
        actors: {
          player: fromCallback<EventObject, PlayerInput>(({ input, sendBack }) =>
            input.port instanceof FakePlaybackPort ? input.port.play(input, sendBack) : undefined,
          ),
        },
      }),
    },
  });
  const logic = options.session?.(session, { clock }) ?? session;
  const supervisor = createActor(supervisorMachine.provide({ actors: { session: logic } }), {
    clock,
    ...(options.inspect ? { inspect: options.inspect } : {}),
    input: {
      limits: supervisorLimits(config),
      observer: recorder.observer,
      createScope: createSessionScope,
      now: () => clock.now(),
      wallNow: () => clock.wallNow(),
    },
  });
  supervisor.subscribe({ error: (error) => failures.push(error) });
  supervisor.start();
  return { ...desk, clock, rooms, engine, supervisor, recorder, failures, calls, medias, ...createVerbs() };

  function createVerbs() {
    const phones = new Map<string, EmbeddedParticipant>();
    let ports = 0;
    let joins = 0;
    const named = (kind: string, user: string): string => `${kind} ${(ports += 1)} of ${user}`;
    const settle = () => clock.advance(0);
    return {
      settle,
      async join(user: string) {
        const reply = new FakeJoinReply(desk, named("join", user));
        const token = await tokenFor(rooms, user);
        const stamp = { client: "cloud", number: (joins += 1) };
        const request = { userId: user, roomName: user, token, url: URL_OF_ROOMS, targetIdentity: user, stamp };
        supervisor.send({ type: "session.join", request, reply });
        return reply;
      },
      cancelJoin: (user: string, reply: FakeJoinReply) =>
        supervisor.send({ type: "join.cancelled", userId: user, reply }),
      leave(user: string) {
        const reply = new FakeLeaveReply(desk, named("leave", user));
        const stamp = { client: "cloud", number: joins };
        supervisor.send({ type: "session.leave", userId: user, reason: "User disconnected", reply, stamp });
        return reply;
      },
      late(user: string) {
        const stamp = { client: "cloud", number: 0 };
        const join = new FakeJoinReply(desk, named("late join", user));
        const request = { userId: user, roomName: user, token: "", url: URL_OF_ROOMS, targetIdentity: user, stamp };
        supervisor.send({ type: "session.join", request, reply: join });
        const leave = new FakeLeaveReply(desk, named("late leave", user));
        supervisor.send({ type: "session.leave", userId: user, reason: "", reply: leave, stamp });
        const stream = new FakeStreamPort(desk, named("late stream", user), false);
        supervisor.send({ type: "stream.open", userId: user, port: stream, stamp });
        return [join, leave, stream];
      },
      open(user: string, isEchoed = false, broken?: FakeStreamPort["broken"]) {
        const port = new FakeStreamPort(desk, named("stream", user), isEchoed);
        port.broken = broken;
        supervisor.send({ type: "stream.open", userId: user, port, stamp: { client: "cloud", number: joins } });
        return port;
      },
      play(user: string, wishes: Partial<PlaybackRequest> = {}, broken?: PlaybackBreakage) {
        const name = named("playback", user);
        const request = {
          requestId: name,
          url: URL_OF_AUDIO,
          volume: 1,
          stopOther: false,
          trackId: OWN_TRACKS + ports,
        };
        const port = new FakePlaybackPort(desk, name, { ...request, ...wishes });
        port.broken = broken;
        supervisor.send({ type: "playback.request", userId: user, port });
        return port;
      },
      cancelPlay: (user: string, port: FakePlaybackPort) =>
        supervisor.send({ type: "playback.cancelled", userId: user, port }),
      stopAudio(user: string, { requestId = "", trackId }: StopWishes = {}) {
        const reply = new FakeStopReply(desk, named("stop", user));
        supervisor.send({ type: "playback.stop", userId: user, requestId, trackId, reason: "enough", reply });
        return reply;
      },
      async phone(user: string) {
        const known = phones.get(user);
        if (known?.isPresent) return known;
        const phone = await rooms.join({ identity: user, room: user });
        phones.set(user, phone);
        return phone;
      },
      async talk(user: string, ...numbers: readonly number[]) {
        const phone = await this.phone(user);
        await settle();
        for (const number of numbers) await phone.publishData(numberedPacket(number));
        await settle();
      },
      drain: () => supervisor.send({ type: "drain" }),
      status: (user: string) => readUserStatus(supervisor.getSnapshot(), user, clock.wallNow()),
      counts: () => readCounts(supervisor.getSnapshot()),
      async stop() {
        rooms.faults.liftAll();
        if (supervisor.getSnapshot().status === "active") supervisor.send({ type: "drain" });
        await clock.advance(20_000);
        for (const phone of phones.values()) await phone.leave();
        await plain.dispose();
        await settle();
        return clock.pending;
      },
    };
  }
}

/** Keeps the listener of every room, so that a test can call it when its room is long gone. */
function tapEngine(engine: RoomEngine): { engine: RoomEngine; calls: Map<string, RoomCall[]> } {
  const calls = new Map<string, RoomCall[]>();
  const userOf = new Map<string, string>();
  const nameOf = (token: string): string => {
    for (const [user, known] of tokens) userOf.set(known, user);
    return userOf.get(token) ?? "";
  };
  const tapped: RoomEngine = {
    ...engine,
    connect(request, listener) {
      const user = nameOf(request.token);
      calls.set(user, [...(calls.get(user) ?? []), { request, listener }]);
      return engine.connect(request, listener);
    },
  };
  return { engine: tapped, calls };
}

/** A session's last words, as its end would be reported. */
export function reportOf(user: string, generation: number, reason: SessionEnd["reason"], atMs: number) {
  return { type: "session.closing", userId: user, generation, reason, atMs } as const;
}
