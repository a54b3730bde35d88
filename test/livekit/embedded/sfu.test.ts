import { describe, expect, test } from "vitest";
import { createFaults } from "../../../src/livekit/embedded/faults.js";
import type { LinkEvents } from "../../../src/livekit/embedded/link.js";
import { createMailbox } from "../../../src/livekit/embedded/mailbox.js";
import { Sfu, type Member } from "../../../src/livekit/embedded/sfu.js";
import { createSimulatedClock } from "../../support/simulated-clock.js";

const ignore = (): void => undefined;
const DEAF: LinkEvents = {
  packet: ignore,
  participantJoined: ignore,
  participantLeft: ignore,
  reconnecting: ignore,
  reconnected: ignore,
  ended: ignore,
  trackPublished: ignore,
  trackUnpublished: ignore,
  frame: ignore,
};

function setUp() {
  const clock = createSimulatedClock();
  const sfu = new Sfu(clock, createMailbox(clock, ignore), createFaults(clock, Math.random));
  const join = (identity: string): Member =>
    sfu.join({ identity, room: "room", canPublish: true, canPublishData: true, canSubscribe: true }, DEAF);
  return { clock, sfu, join };
}

describe("the in-memory server", () => {
  test("keeps no subscriber that has left, and none of a track that is gone", () => {
    const { sfu, join } = setUp();
    const [publisher, leaver, stayer] = [join("publisher"), join("leaver"), join("stayer")];
    const track = sfu.publish(publisher, "speaker", { sampleRateHz: 48_000, channels: 1 }, ignore);
    sfu.subscribe(leaver, track);
    sfu.subscribe(stayer, track);
    sfu.remove(leaver);
    expect([...track.subscribers]).toEqual([stayer]);
    sfu.remove(publisher, "participant_removed");
    expect([track.subscribers.size, publisher.tracks.size]).toEqual([0, 0]);
    sfu.subscribe(stayer, track);
    expect(track.subscribers.size).toBe(0);
  });

  test("removes a member once: an old one's removal does not touch the newer one of its identity", () => {
    const { sfu, join } = setUp();
    const older = join("bridge");
    const newer = join("bridge");
    sfu.remove(older, "participant_removed");
    sfu.remove(older);
    expect(sfu.find("room", "bridge")).toBe(newer);
  });

  test("tells of the first subscriber only", async () => {
    const { clock, sfu, join } = setUp();
    let subscriptions = 0;
    const format = { sampleRateHz: 48_000, channels: 1 } as const;
    const track = sfu.publish(join("publisher"), "speaker", format, () => void subscriptions++);
    sfu.subscribe(join("one"), track);
    sfu.subscribe(join("two"), track);
    await clock.advance(0);
    expect(subscriptions).toBe(1);
  });
});
