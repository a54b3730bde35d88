// The stand-in judges pings as a server of Go does; grpc-go 1.82.1 closed at the same ping in a comparison with the same client.

import { describe, expect, it } from "vitest";
import { createFrameSplitter, FLAG, FRAME, goAwayFrame } from "./stand-in/http2-frames.js";
import type { Frame } from "./stand-in/http2-frames.js";
import { PingWatch } from "./stand-in/ping-watch.js";

const policy = { intervalMinMs: 300_000, strikesMax: 2 };
const none = Buffer.alloc(0);
const frame = (type: number, flags = 0, streamId = 1): Frame => ({ type, flags, streamId, bytes: none });
const ping = frame(FRAME.ping, 0, 0);

/** How many pings so far apart it takes until the connection goes; at most 10. */
function pingsUntilTooMany(watch: PingWatch, everyMs: number, between: (watch: PingWatch) => void = () => {}): number {
  for (let count = 1; count <= 10; count += 1) {
    if (watch.fromClient(ping, policy, count * everyMs)) return count;
    between(watch);
  }
  return Infinity;
}

function withOpenCall(): PingWatch {
  const watch = new PingWatch();
  watch.fromClient(frame(FRAME.headers), policy, 0);
  return watch;
}

describe("pings against an old bridge", () => {
  it("are too many at the fourth that keeps no distance of 5 minutes", () => {
    expect(pingsUntilTooMany(withOpenCall(), 10_000)).toBe(4);
    expect(pingsUntilTooMany(withOpenCall(), 299_999)).toBe(4);
    expect(pingsUntilTooMany(withOpenCall(), 300_000)).toBe(Infinity);
  });

  it("must keep two hours without a call", () => {
    expect(pingsUntilTooMany(new PingWatch(), 7_199_999)).toBe(4);
    expect(pingsUntilTooMany(new PingWatch(), 7_200_000)).toBe(Infinity);
    const finished = withOpenCall();
    finished.fromServer(frame(FRAME.headers, FLAG.endStream));
    // With a call open, pings 5 minutes apart would never be too many.
    expect(pingsUntilTooMany(finished, 300_000)).toBe(4);
  });

  it("are forgiven after each packet or header that the bridge sends", () => {
    expect(pingsUntilTooMany(withOpenCall(), 10, (watch) => watch.fromServer(frame(FRAME.data)))).toBe(Infinity);
    expect(pingsUntilTooMany(withOpenCall(), 10, (watch) => watch.fromServer(frame(FRAME.ping, FLAG.ack)))).toBe(4);
  });

  it("are not what answers the bridge's own pings", () => {
    const watch = withOpenCall();
    for (let count = 0; count < 10; count += 1) {
      expect(watch.fromClient(frame(FRAME.ping, FLAG.ack, 0), policy, count)).toBe(false);
    }
    expect(watch.pings).toBe(0);
  });
});

describe("frames on the wire", () => {
  it("are found whole wherever the bytes are cut", () => {
    const bytes = Buffer.concat([Buffer.from("preface"), goAwayFrame(7, 11, "too_many_pings"), goAwayFrame(1, 0, "")]);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const split = createFrameSplitter(7);
      const frames = [...split(bytes.subarray(0, cut)), ...split(bytes.subarray(cut))];
      expect(frames.map(({ type, bytes }) => [type, bytes.length])).toEqual([
        [undefined, 7],
        [FRAME.goAway, 31],
        [FRAME.goAway, 17],
      ]);
      expect(Buffer.concat(frames.map(({ bytes }) => bytes))).toEqual(bytes);
    }
  });
});
