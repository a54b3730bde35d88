// An embedded room on a simulated clock, with a bridge and a phone whose listeners write one line per call.

import { createEmbeddedRooms, type EmbeddedRooms } from "../../../src/livekit/embedded/rooms.js";
import type { EmbeddedParticipant, HeardFrame } from "../../../src/livekit/embedded/participant.js";
import type { TokenGrants } from "../../../src/livekit/embedded/token.js";
import type { Room, RoomEngine, RoomListener } from "../../../src/livekit/room.js";
import { createSimulatedClock, type SimulatedClock } from "../../support/simulated-clock.js";

export interface Scene {
  readonly clock: SimulatedClock;
  readonly rooms: EmbeddedRooms;
  readonly engine: RoomEngine;
  readonly errors: unknown[];
  readonly connect: (identity?: string, options?: SceneConnectOptions) => Promise<{ room: Room; lines: string[] }>;
  readonly join: (identity: string, grants?: TokenGrants) => Promise<ScenePhone>;
}

export interface SceneConnectOptions {
  readonly signal?: AbortSignal;
  readonly grants?: TokenGrants;
}

export interface ScenePhone {
  readonly phone: EmbeddedParticipant;
  readonly lines: string[];
  readonly frames: HeardFrame[];
}

/** Every room of a scene has this name. */
export const ROOM = "room";

export function setScene(options: { random?: () => number } = {}): Scene {
  const clock = createSimulatedClock();
  const errors: unknown[] = [];
  const rooms = createEmbeddedRooms({ clock, onListenerError: (error) => errors.push(error), ...options });
  const engine = rooms.engine();
  return {
    clock,
    rooms,
    engine,
    errors,
    async connect(identity = "bridge", { signal = new AbortController().signal, grants } = {}) {
      const lines: string[] = [];
      const token = await rooms.token(identity, ROOM, grants);
      const room = await engine.connect({ url: rooms.url, token, signal }, writeLines(lines));
      return { room, lines };
    },
    async join(identity, grants = {}) {
      const lines: string[] = [];
      const frames: HeardFrame[] = [];
      const listener = { ...writeLines(lines), frame: (frame: HeardFrame) => void frames.push(frame) };
      const phone = await rooms.join({ identity, room: ROOM, grants }, listener);
      return { phone, lines, frames };
    },
  };
}

export function writeLines(lines: string[]): RoomListener {
  return {
    packet: ({ payload, senderIdentity }) => void lines.push(`packet ${payload.join(",")} of ${senderIdentity ?? "?"}`),
    participantJoined: (identity) => void lines.push(`joined ${identity}`),
    participantLeft: (identity) => void lines.push(`left ${identity}`),
    reconnecting: () => void lines.push("reconnecting"),
    reconnected: () => void lines.push("reconnected"),
    ended: (reason) => void lines.push(`ended ${reason}`),
  };
}

/** How a promise stands, without waiting for it. */
export function watch(promise: Promise<unknown>): { readonly state: string } {
  const watched = { state: "pending" };
  promise.then(
    () => (watched.state = "fulfilled"),
    (error: unknown) => (watched.state = (error as { code?: string }).code ?? String(error)),
  );
  return watched;
}
