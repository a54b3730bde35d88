import { expect, test } from "vitest";
import { samplesOf } from "../../src/audio/pcm.js";

test.each([0, 1, 2, 3])("samples are those of the bytes, wherever in a message they lie (offset %i)", (offset) => {
  // A pool, as gRPC hands out parts of one: what lies before the bytes is somebody else's.
  const pool = Buffer.alloc(64, 0x55);
  pool.writeInt16LE(-2, offset);
  pool.writeInt16LE(300, offset + 2);
  expect([...samplesOf(pool.subarray(offset, offset + 4))]).toEqual([-2, 300]);
});
