// What a heartbeat looks like on the wire, and that it ends with its stream.

import { expect, test } from "vitest";
import { eventually } from "../../support/eventually.js";
import { createScene } from "../suite/scene.js";

const scene = createScene({ kind: "new" });
/** Between two clocks of one machine, and on the way. */
const ALLOWANCE_MS = 2000;

test("a heartbeat is an empty chunk of the user's, 16 kHz mono, with the time at which it goes; none follows the stream", async () => {
  const { client, userId } = scene.user({ limits: { heartbeatIntervalMs: 20 } });
  const received = () => scene.bridge.received(userId);
  await client.connect();
  await eventually("heartbeats come", async () => (await received()).totals.heartbeats >= 5);
  await client.disconnect();
  const { chunks, totals } = await received();
  for (const { atMs, timestampMs, ...chunk } of chunks.slice(1)) {
    expect(chunk).toMatchObject({ isHeartbeat: true, sizeBytes: 0, userId, sampleRate: 16_000, channels: 1 });
    expect(Math.abs(atMs - timestampMs)).toBeLessThan(ALLOWANCE_MS);
  }
  expect(scene.clock.pending).toBe(0);
  await new Promise((done) => setTimeout(done, 100));
  expect((await received()).totals.heartbeats).toBe(totals.heartbeats);
});
