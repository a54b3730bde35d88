// What the seam promises of a connection, rule by rule; random lives of it are walked beside this.

import { describe, expect, it } from "vitest";
import type { RoomConnectionEvent } from "../../../src/livekit/datachannel/room-connection-context.js";
import { LIMITS } from "./room-connection-model.js";
import { BROKEN, createRoomConnectionRig, REFUSED, type RoomConnectionRig } from "./room-connection-rig.js";

async function connected(): Promise<RoomConnectionRig> {
  const rig = createRoomConnectionRig();
  await rig.work();
  rig.told.length = 0;
  return rig;
}

const SIGNAL_LOST = { type: "signal.lost" } as const;
const PEER_LOST = { type: "peer.lost" } as const;
const CLOSE = { type: "close" } as const;
const KICKED = { type: "server.ended", reason: "participant_removed" } as const;

async function losePeer(rig: RoomConnectionRig): Promise<void> {
  rig.setPeerAlive(false);
  await rig.send(PEER_LOST);
}

describe("a first join", () => {
  it("that fails is told once, and nothing is asked again", async () => {
    const rig = createRoomConnectionRig();
    await rig.fail(BROKEN);
    await rig.clock.advance(60_000);
    expect([rig.told, rig.mode, rig.clock.pending]).toEqual([["join", "join failed: not now"], "left", 0]);
  });

  it("that is given up tells nothing but its end, however it goes on", async () => {
    const rig = createRoomConnectionRig();
    await rig.send(CLOSE);
    await rig.settleLate();
    await rig.finishLeaving();
    expect(rig.told).toEqual(["join", "leave", "ended: connection_lost"]);
  });
});

describe("a loss", () => {
  it("is told once, however many attempts it takes, and its end once", async () => {
    const rig = await connected();
    await rig.send(SIGNAL_LOST);
    for (const waitMs of [100, 200, 400]) {
      await rig.fail(BROKEN);
      await rig.clock.advance(waitMs);
    }
    await rig.work();
    expect(rig.told).toEqual(["reconnecting", "resume", "resume", "resume", "resume", "reconnected"]);
  });

  it("of the transport as well, while the connection is being resumed, has everything made anew at once", async () => {
    const rig = await connected();
    await rig.send(SIGNAL_LOST);
    await losePeer(rig);
    await rig.settleLate();
    expect([rig.told, rig.mode]).toEqual([["reconnecting", "resume", "rejoin"], "rejoining"]);
  });

  it("after a reconnect is one of its own: told again, with the short wait again", async () => {
    const rig = await connected();
    for (let i = 0; i < 2; i += 1) {
      await rig.send(SIGNAL_LOST);
      await rig.fail(BROKEN);
      await rig.clock.advance(LIMITS.backoffMinMs);
      await rig.work();
    }
    const once = ["reconnecting", "resume", "resume", "reconnected"];
    expect(rig.told).toEqual([...once, ...once]);
  });

  it("is given up when its time is over, in the middle of an attempt too", async () => {
    const rig = await connected();
    await rig.send(SIGNAL_LOST);
    await rig.clock.advance(LIMITS.reconnectMaxMs - 1);
    expect(rig.mode).toBe("resuming");
    await rig.clock.advance(1);
    expect([rig.told, rig.attemptsUnderWay]).toEqual([["reconnecting", "resume", "leave"], 0]);
    await rig.finishLeaving();
    expect(rig.told.at(-1)).toBe("ended: connection_lost");
  });

  it.each([
    ["resume", SIGNAL_LOST],
    ["rejoin", { type: "server.rejoin" } as const],
  ])("is given up at once when a %s is refused: the same token would be refused again", async (how, event) => {
    const rig = await connected();
    await rig.send(event);
    await rig.fail(REFUSED);
    expect([rig.told, rig.mode]).toEqual([["reconnecting", how, "leave"], "leaving"]);
  });
});

describe("a transport that is lost", () => {
  it("leaves the server a moment to say why, and its word counts", async () => {
    const rig = await connected();
    await losePeer(rig);
    await rig.clock.advance(LIMITS.lastWordMs - 1);
    expect([rig.told, rig.mode]).toEqual([[], "wondering"]);
    await rig.send(KICKED);
    await rig.finishLeaving();
    expect(rig.told).toEqual(["leave", "ended: participant_removed"]);
  });

  it("is regained when the server says nothing", async () => {
    const rig = await connected();
    await losePeer(rig);
    await rig.clock.advance(LIMITS.lastWordMs);
    expect(rig.told).toEqual(["reconnecting", "rejoin"]);
  });

  it("is regained at once when the connection is lost too: there is nobody to say why", async () => {
    const rig = await connected();
    await losePeer(rig);
    await rig.send(SIGNAL_LOST);
    expect(rig.told).toEqual(["reconnecting", "rejoin"]);
  });
});

/** The ways into each state. */
const ways: Record<string, (rig: RoomConnectionRig) => Promise<void>> = {
  joining: async () => undefined,
  connected: (rig) => rig.work(),
  async wondering(rig) {
    await rig.work();
    await losePeer(rig);
  },
  async resuming(rig) {
    await rig.work();
    await rig.send(SIGNAL_LOST);
  },
  async rejoining(rig) {
    await rig.work();
    await rig.send({ type: "server.rejoin" });
  },
  async waiting(rig) {
    await rig.work();
    await rig.send(SIGNAL_LOST);
    await rig.fail(BROKEN);
  },
  leaving: (rig) => rig.send(CLOSE),
};

const everything: readonly RoomConnectionEvent[] = [SIGNAL_LOST, PEER_LOST, { type: "server.rejoin" }, KICKED, CLOSE];

describe.each(Object.keys(ways))("while %s", (mode) => {
  it("a close says good-bye first, tells the end once, and nothing after it", async () => {
    const rig = createRoomConnectionRig();
    await ways[mode]?.(rig);
    expect(rig.mode).toBe(mode);
    const before = rig.told.filter((line) => line !== "leave").length;
    await rig.send(CLOSE);
    for (const event of everything) await rig.send(event);
    await rig.settleLate();
    await rig.clock.advance(60_000);
    expect([rig.told.slice(before), rig.mode]).toEqual([["leave"], "leaving"]);
    await rig.finishLeaving();
    await rig.clock.advance(60_000);
    expect([rig.told.slice(before), rig.mode]).toEqual([["leave", "ended: connection_lost"], "left"]);
    expect([rig.clock.pending, rig.attemptsUnderWay]).toEqual([0, 0]);
  });
});
