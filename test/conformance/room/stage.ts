// The stage of one engine's conformance tests: rooms with fresh names, listeners that write down what they are told,
// and a clean-up that proves that nothing is left.

import { expect } from "vitest";
import type { DataPacket, Room, RoomEndReason, RoomListener } from "../../../src/livekit/room.js";
import type { HarnessParticipant, RoomHarness } from "../room-conformance.js";

export interface Presence {
  readonly room: Room;
  readonly heard: Heard;
}

/** All that a listener was told. */
export interface Heard {
  readonly packets: DataPacket[];
  readonly joined: string[];
  readonly left: string[];
  readonly ended: RoomEndReason[];
  /** The connection's ups and downs. */
  readonly changes: ("reconnecting" | "reconnected")[];
  /** Calls of any kind. */
  calls: number;
}

export interface Stage {
  readonly harness: RoomHarness;
  /** A name that no other test uses, on this server or a restarted run. */
  freshRoom(): string;
  /** The bridge's side: connects through the engine. */
  connect(identity: string, room: string, options?: ConnectOptions): Promise<Presence>;
  /** The other side. */
  join(identity: string, room: string, at?: Place): Promise<HarnessParticipant>;
  clear(): Promise<void>;
}

/** A server to be on, other than the one that all tests share. */
export type Place = Pick<RoomHarness, "url" | "token" | "join">;

export interface ConnectOptions {
  readonly canPublish?: boolean;
  readonly ttlSeconds?: number;
  readonly at?: Place;
  /** Runs after the call has been written down; may throw. */
  readonly onPacket?: (packet: DataPacket) => void;
  readonly onJoined?: (identity: string) => void;
}

export function createStage(harness: RoomHarness): Stage {
  const run = Math.random().toString(36).slice(2, 8);
  let rooms = 0;
  let connected: Room[] = [];
  let participants: HarnessParticipant[] = [];

  return {
    harness,
    freshRoom: () => `conformance-${run}-${++rooms}`,
    async connect(identity, room, options = {}) {
      const heard: Heard = hearNothing();
      const { canPublish, at = harness, ttlSeconds } = options;
      const token = await at.token(identity, room, {
        ...(canPublish === undefined ? {} : { canPublish }),
        ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
      });
      const request = { url: at.url, token, signal: new AbortController().signal };
      const joined = await harness.engine.connect(request, writeDown(heard, options));
      connected.push(joined);
      return { room: joined, heard };
    },
    async join(identity, room, at = harness) {
      const participant = await at.join(identity, room);
      participants.push(participant);
      return participant;
    },
    async clear() {
      await Promise.all(connected.map((room) => room.close()));
      await Promise.allSettled(participants.map((participant) => participant.leave()));
      connected = [];
      participants = [];
      await eventually(() => expect(harness.engine.counts()).toEqual({ rooms: 0, connecting: 0, tracks: 0 }));
    },
  };
}

function hearNothing(): Heard {
  return { packets: [], joined: [], left: [], ended: [], changes: [], calls: 0 };
}

export function ignoreAll(): RoomListener {
  return writeDown(hearNothing(), {});
}

function writeDown(heard: Heard, options: ConnectOptions): RoomListener {
  return {
    packet(packet) {
      heard.calls++;
      heard.packets.push(packet);
      options.onPacket?.(packet);
    },
    participantJoined(identity) {
      heard.calls++;
      heard.joined.push(identity);
      options.onJoined?.(identity);
    },
    participantLeft(identity) {
      heard.calls++;
      heard.left.push(identity);
    },
    reconnecting() {
      heard.calls++;
      heard.changes.push("reconnecting");
    },
    reconnected() {
      heard.calls++;
      heard.changes.push("reconnected");
    },
    ended(reason) {
      heard.calls++;
      heard.ended.push(reason);
    },
  };
}

/** Asks again until `check` no longer throws; after the limit its last error is the result. */
export async function eventually(check: () => void | Promise<void>, limitMs = 10_000): Promise<void> {
  const endsAt = performance.now() + limitMs;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (performance.now() >= endsAt) throw error;
    }
    await sleep(10);
  }
}

export async function sleep(ms: number): Promise<void> {
  await new Promise<void>((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Waits until the bridge can name `identity`; LiveKit may take 3 s to announce one that publishes no track. */
export async function known(presence: Presence, identity: string): Promise<void> {
  await eventually(() => expect(presence.room.remoteIdentities).toContain(identity));
}

export function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}
