// LiveKit in memory: rooms, the other participants in them, and failures on demand. It needs no network and no native
// code, runs on any clock, and keeps to what the real server does: the same order, the same limits, the same ends.

import type { Clock } from "../../time.js";
import type { RoomEndReason, RoomEngine } from "../room.js";
import { createEmbeddedEngine } from "./engine.js";
import { joinEmbeddedParticipant, type EmbeddedParticipant, type EmbeddedParticipantListener } from "./participant.js";
import { createFaults, type Faults } from "./faults.js";
import { createMailbox } from "./mailbox.js";
import type { Outage } from "./link.js";
import { Sfu, type Member } from "./sfu.js";
import { mintToken, verifyToken, type TokenGrants } from "./token.js";

export interface EmbeddedRoomsOptions {
  readonly clock: Clock;
  /** The address that answers; every other one refuses. `ws://embedded.invalid` by default. Its scheme is free. */
  readonly url?: string;
  /** The pair that signs tokens: `devkey` and `secret` by default, as those of `livekit-server --dev`. */
  readonly apiKey?: string;
  readonly apiSecret?: string;
  /** Decides which lossy packets a fault loses. `Math.random` by default. */
  readonly random?: () => number;
  /** Gets what a listener throws. By default it becomes a process warning. */
  readonly onListenerError?: (error: unknown) => void;
}

export interface EmbeddedRooms {
  readonly url: string;
  readonly faults: Faults;
  /** A new engine on these rooms; several may be used at once, as by several bridges. */
  engine(): RoomEngine;
  token(identity: string, room: string, grants?: TokenGrants): Promise<string>;
  /** Another participant comes in. A bad token rejects. */
  join(
    who: string | { readonly identity: string; readonly room: string; readonly grants?: TokenGrants },
    listener?: EmbeddedParticipantListener,
  ): Promise<EmbeddedParticipant>;
  /** As the server sees it: unannounced ones and those in an outage included. Empty for a room that does not exist. */
  identities(room: string): string[];
  /** Rooms that somebody is in. */
  readonly roomNames: readonly string[];
  /** Rejects when there is no such participant, as the server's API does. */
  removeParticipant(room: string, identity: string): Promise<void>;
  /** Rejects when there is no such room. */
  deleteRoom(room: string): Promise<void>;
  /** A reliable packet of the server itself. Rejects when there is no such room. */
  sendServerData(room: string, payload: Uint8Array, options?: { readonly topic?: string }): Promise<void>;
  /**
   * A participant's transport is gone: it hears `reconnecting`, and then what the outage says. Until then its reliable
   * packets (at most 1,000 each way) and all it would be told wait; lossy packets and audio are lost.
   */
  dropTransport(room: string, identity: string, outage: Outage): void;
  /** Everybody is put out with `server_shutdown`; connects are refused until `restart`. */
  shutdown(): void;
  restart(): void;
}

export function createEmbeddedRooms(options: EmbeddedRoomsOptions): EmbeddedRooms {
  const {
    clock,
    url = "ws://embedded.invalid",
    apiKey = "devkey",
    apiSecret = "secret",
    random = Math.random,
  } = options;
  const keys = { apiKey, apiSecret };
  const faults = createFaults(clock, random);
  const sfu = new Sfu(clock, createMailbox(clock, options.onListenerError ?? warn), faults);
  const host = new URL(url).host;
  let isDown = false;

  function verify(token: string) {
    return verifyToken(keys, clock.wallNow(), token);
  }

  function mint(identity: string, room: string, grants?: TokenGrants): Promise<string> {
    return mintToken(keys, clock.wallNow(), identity, room, grants);
  }

  async function end(members: readonly (Member | undefined)[], reason: RoomEndReason): Promise<void> {
    const present = members.filter((member) => member !== undefined);
    if (present.length === 0) throw new Error("not found");
    for (const member of present) sfu.remove(member, reason);
  }

  return {
    url,
    faults,
    engine: () => {
      const isAnswering = (asked: URL): boolean => !isDown && asked.host === host;
      return createEmbeddedEngine({ clock, sfu, faults, isAnswering, verify });
    },
    token: mint,
    async join(who, listener = {}) {
      const token = typeof who === "string" ? who : await mint(who.identity, who.room, who.grants);
      return joinEmbeddedParticipant(sfu, verify(token), listener);
    },
    identities: (room) => sfu.members(room).map((member) => member.identity),
    get roomNames() {
      return sfu.roomNames;
    },
    removeParticipant: (room, identity) => end([sfu.find(room, identity)], "participant_removed"),
    deleteRoom: (room) => end(sfu.members(room), "room_deleted"),
    async sendServerData(room, payload, { topic } = {}) {
      if (sfu.members(room).length === 0) throw new Error("not found");
      sfu.sendData(room, undefined, payload, { isReliable: true, topic });
    },
    dropTransport(room, identity, outage) {
      const member = sfu.find(room, identity);
      if (member === undefined) throw new Error("not found");
      sfu.dropTransport(member, outage);
    },
    shutdown() {
      isDown = true;
      for (const room of sfu.roomNames) for (const member of sfu.members(room)) sfu.remove(member, "server_shutdown");
    },
    restart() {
      isDown = false;
    },
  };
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error), "RoomListenerError");
}
