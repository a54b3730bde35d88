// What every room engine must do, whatever it is made of. The engines' own tests call this with a harness; the titles
// are the rules. Nothing is proven by sleeping: a rule that needs time is asked again until it holds or a limit passes.

import { afterAll, afterEach, beforeAll, describe } from "vitest";
import type { RoomEngine } from "../../src/livekit/room.js";
import { describeAudio } from "./room/audio.js";
import { describeConnecting } from "./room/connecting.js";
import { describeData } from "./room/data.js";
import { describeEnds } from "./room/ends.js";
import { describePresence } from "./room/presence.js";
import { describeRecovery } from "./room/recovery.js";
import { createStage, type Stage } from "./room/stage.js";

export interface RoomHarness {
  readonly engine: RoomEngine;
  readonly url: string;
  /** A negative `ttlSeconds` makes a token that has expired. */
  token(identity: string, room: string, grants?: { canPublish?: boolean; ttlSeconds?: number }): Promise<string>;
  /** Another participant in the room: a real one for rtc-node, an in-memory one for embedded. */
  join(identity: string, room: string): Promise<HarnessParticipant>;
  removeParticipant(room: string, identity: string): Promise<void>;
  deleteRoom(room: string): Promise<void>;
  /** Data sent by the server's own API, by nobody. */
  sendServerData(room: string, payload: Uint8Array): Promise<void>;
  /** Identities in the room as the server sees it; empty for a room that does not exist. */
  identities(room: string): Promise<string[]>;
  /** A server of one test's own, whose connections can be lost. Absent for rooms that have none. */
  startFragile?(): Promise<FragileServer>;
  stop(): Promise<void>;
}

/** Signalling goes over a wire that can be cut; packets and sound have their own. */
export interface FragileServer extends Pick<RoomHarness, "url" | "token" | "join"> {
  /** What is being said is cut off; a new connection is taken at once. */
  resetSignal(): void;
  setCanPublish(room: string, identity: string, canPublish: boolean): Promise<void>;
  kill(): Promise<void>;
  /** At the same place; with other keys, tokens of before are worth nothing. */
  restart(options?: { readonly hasOtherKeys?: boolean }): Promise<void>;
  stop(): Promise<void>;
}

export interface HarnessParticipant {
  /** Reliable by default. */
  publishData(payload: Uint8Array, options?: { reliable?: boolean; topic?: string }): Promise<void>;
  /**
   * Resolves with PCM16 mono 48 kHz heard on the named track, collected for `durationMs` from the first frame (rejects
   * if none within 5 s).
   */
  hear(trackName: string, durationMs: number): Promise<Int16Array>;
  readonly trackNames: readonly string[];
  leave(): Promise<void>;
}

/** A test waits for each thing at most 10 s; a few things in a row must fit. */
const TEST_TIMEOUT_MS = 45_000;

/** `hasConnection`: false for rooms whose connection cannot be lost, since they have none. */
export function describeRoomEngine(
  name: string,
  start: () => Promise<RoomHarness>,
  { hasConnection = true }: { readonly hasConnection?: boolean } = {},
): void {
  describe(`a room of ${name}`, { timeout: TEST_TIMEOUT_MS }, () => {
    let stage: Stage | undefined;
    const current = (): Stage => {
      if (stage === undefined) throw new Error("the harness has not started");
      return stage;
    };
    beforeAll(async () => {
      stage = createStage(await start());
    });
    // Every test ends with everybody gone and all counts at zero; a leak fails the test that made it.
    afterEach(async () => {
      await current().clear();
    });
    afterAll(async () => {
      await stage?.harness.stop();
    });

    describe("while it connects", () => describeConnecting(current));
    describe("and who is in it", () => describePresence(current));
    describe("and its data packets", () => describeData(current));
    describe("and its tracks", () => describeAudio(current));
    describe("when it ends", () => describeEnds(current));
    if (hasConnection) describe("when its connection is lost", () => describeRecovery(current));
  });
}
