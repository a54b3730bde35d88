// When a track says that its sound is: timestamps of RTP, by the clock that a receiver plays by.

import { TrackInfo, TrackPublishedResponse, type AddTrackRequest } from "@livekit/protocol";
import { expect, it, onTestFinished } from "vitest";
import type { AudioSender } from "../../../src/livekit/datachannel/audio-sender.js";
import type { Link } from "../../../src/livekit/datachannel/link.js";
import { completeOptions } from "../../../src/livekit/datachannel/options.js";
import { Publication } from "../../../src/livekit/datachannel/publication.js";
import { Turns } from "../../../src/livekit/datachannel/turns.js";
import { createPacer } from "../../../src/livekit/pacer.js";
import { QUIET } from "../../support/quiet.js";
import { createSimulatedClock } from "../../support/simulated-clock.js";

const SAMPLES_PER_MS = 48;

/** A track that is heard. Each frame that is sent: when, and what it says when it is, in milliseconds since the first one. */
async function setUp() {
  const clock = createSimulatedClock();
  let lateMs = 0;
  const late = { ...clock, setTimeout: (handler: () => void, ms: number) => clock.setTimeout(handler, ms + lateMs) };
  let isSounding = false;
  const sent: { atMs: number; saidMs: number }[] = [];
  let first: { atMs: number; timestamp: number } | undefined;
  const sender = {
    opened: () => Promise.resolve(),
    send(_: Uint8Array, timestamp: number) {
      first ??= { atMs: clock.now(), timestamp };
      sent.push({ atMs: clock.now() - first.atMs, saidMs: (timestamp - first.timestamp) / SAMPLES_PER_MS });
      return true;
    },
  };
  const publication = new Publication({
    options: completeOptions({ clock, logger: QUIET, silenceTailMs: 40 }),
    pacer: createPacer(late, 20),
    turns: new Turns(() => clock.now()),
    name: "speaker",
    format: { sampleRateHz: 48_000, channels: 1 },
    // Of one value: Opus leaves out what repeats nothing but silence.
    source: { read: (frame) => (isSounding ? frame.fill(5000).length : 0) },
  });
  onTestFinished(() => publication.release());
  const link = {
    tell({ value }: { value: AddTrackRequest }) {
      const track = new TrackInfo({ sid: "TR_1" });
      publication.accepted(new TrackPublishedResponse({ cid: value.cid, track }));
      return true;
    },
    whileOpen: (promise: Promise<unknown>) => promise,
    addAudio: () => sender as unknown as AudioSender,
    negotiate: () => Promise.resolve(),
  };
  await publication.publish(link as unknown as Link);
  publication.start();
  const sound = (isOn: boolean) => {
    isSounding = isOn;
    if (isOn) publication.wake();
  };
  return { clock, publication, sent, sound, stall: (ms: number) => (lateMs = ms) };
}

const spacings = (sent: readonly { saidMs: number }[]) =>
  sent.slice(1).map(({ saidMs }, index) => saidMs - (sent[index]?.saidMs ?? 0));

it("from the silence before somebody listens to the sound, frames are 20 ms apart", async () => {
  const { clock, publication, sent, sound } = await setUp();
  sound(true);
  await clock.advance(47);
  publication.subscribed();
  await clock.advance(200);
  expect(sent.length).toBeGreaterThan(8);
  // The 60 ms in which nothing is sent are time as well.
  expect(spacings(sent).every((ms) => ms === 20 || ms >= 60)).toBe(true);
  expect(sent.every(({ atMs, saidMs }) => atMs === saidMs)).toBe(true);
});

it("after a pause a frame says when it is, to the millisecond", async () => {
  const { clock, publication, sent, sound } = await setUp();
  publication.subscribed();
  sound(true);
  await clock.advance(500);
  sound(false);
  await clock.advance(1337);
  const { length } = sent;
  sound(true);
  await clock.advance(40);
  expect(sent.length).toBeGreaterThan(length);
  expect(sent.every(({ atMs, saidMs }) => atMs === saidMs)).toBe(true);
});

it("a stall that is caught up on leaves no trace, and one that is not is a gap", async () => {
  const { clock, publication, sent, sound, stall } = await setUp();
  publication.subscribed();
  sound(true);
  await clock.advance(500);
  stall(70);
  await clock.advance(20);
  stall(0);
  await clock.advance(400);
  expect(new Set(spacings(sent.slice(5)))).toEqual(new Set([20]));
  const { length } = sent;
  stall(170);
  await clock.advance(20);
  stall(0);
  await clock.advance(400);
  const gaps = spacings(sent.slice(length - 1)).filter((ms) => ms !== 20);
  expect(gaps).toHaveLength(1);
  const last = sent.at(-1);
  expect(Math.abs((last?.atMs ?? 0) - (last?.saidMs ?? 0))).toBeLessThan(20);
});
