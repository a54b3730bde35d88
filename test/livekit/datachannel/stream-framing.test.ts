import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  FrameReader,
  ICE_TCP_FRAMING,
  TURN_FRAMING,
  type Framing,
} from "../../../src/livekit/datachannel/stream-framing.js";

/** A message of TURN: `length` is what its header says, and so long is what follows the header. */
function message(firstByte: number, headerBytes: number, body: Uint8Array): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt8(firstByte, 0);
  header.writeUInt16BE(body.length, 2);
  return Buffer.concat([header, body]);
}
const stun = (body: Uint8Array, firstByte = 0x01) => message(firstByte, 20, body);
const channelData = (body: Uint8Array, firstByte = 0x40) => message(firstByte, 4, body);

const anyBytes = fc.uint8Array({ maxLength: 300 });
const anyDatagram = anyBytes.map((bytes) => Buffer.from(bytes));
const anyTurnMessage = fc.oneof(
  fc.tuple(anyBytes, fc.integer({ min: 0, max: 0x3f })).map(([body, first]) => stun(body, first)),
  fc.tuple(anyBytes, fc.integer({ min: 0x40, max: 0x7f })).map(([body, first]) => channelData(body, first)),
);
/** How long each piece of a stream is, over and over. */
const anyCuts = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 20 });

function cut(stream: Buffer, lengths: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < stream.length; at += pieces.at(-1)?.length ?? 0) {
    pieces.push(stream.subarray(at, at + (lengths[pieces.length % lengths.length] ?? 1)));
  }
  return pieces;
}

function read(framing: Framing, pieces: readonly Buffer[]): string[] {
  const reader = new FrameReader(framing);
  const datagrams: string[] = [];
  for (const piece of pieces) reader.push(piece, (bytes) => datagrams.push(bytes.toString("hex")));
  return datagrams;
}

const wrapped = (framing: Framing, datagram: Buffer) => framing.wrap(datagram) ?? expect.fail("it was refused");
const there = (framing: Framing, ...datagrams: Buffer[]) =>
  Buffer.concat(datagrams.map((datagram) => wrapped(framing, datagram)));

describe.each([
  ["ICE over TCP", ICE_TCP_FRAMING, anyDatagram],
  ["TURN", TURN_FRAMING, anyTurnMessage],
])("datagrams on a stream of %s", (_, framing, anyOfThem) => {
  it("come out as they went in, however the stream is cut", () => {
    fc.assert(
      fc.property(fc.array(anyOfThem, { maxLength: 20 }), anyCuts, (datagrams, cuts) => {
        const pieces = cut(there(framing, ...datagrams), cuts);
        expect(read(framing, pieces)).toEqual(datagrams.map((datagram) => datagram.toString("hex")));
      }),
    );
  });

  it("come out as soon as their last byte is there, and not before", () => {
    fc.assert(
      fc.property(anyOfThem, (datagram) => {
        const frame = there(framing, datagram);
        const reader = new FrameReader(framing);
        let count = 0;
        reader.push(frame.subarray(0, -1), () => (count += 1));
        expect(count).toBe(0);
        reader.push(frame.subarray(-1), () => (count += 1));
        expect(count).toBe(1);
      }),
    );
  });
});

describe("a datagram in ICE over TCP", () => {
  it("has its length before it, in two bytes", () => {
    expect(ICE_TCP_FRAMING.wrap(Buffer.from([7, 8, 9]))).toEqual(Buffer.from([0, 3, 7, 8, 9]));
  });

  it("may be empty", () => {
    expect(ICE_TCP_FRAMING.wrap(Buffer.alloc(0))).toEqual(Buffer.from([0, 0]));
    expect(read(ICE_TCP_FRAMING, [Buffer.from([0, 0, 0, 1, 7])])).toEqual(["", "07"]);
  });

  it("has 65,535 bytes at most; a longer one is refused", () => {
    const longest = Buffer.alloc(65_535, 1);
    expect(read(ICE_TCP_FRAMING, [there(ICE_TCP_FRAMING, longest)])).toEqual([longest.toString("hex")]);
    expect(ICE_TCP_FRAMING.wrap(Buffer.alloc(65_536))).toBeUndefined();
  });
});

describe("a message of TURN", () => {
  it.each([
    [0, 4],
    [1, 8],
    [3, 8],
    [4, 8],
    [5, 12],
  ])("that carries %i bytes by a channel has %i bytes on the stream, of which the padding is zero", (length, total) => {
    const datagram = channelData(Buffer.alloc(length, 0xff));
    const frame = there(TURN_FRAMING, datagram);
    expect(frame).toEqual(Buffer.concat([datagram, Buffer.alloc(total - datagram.length)]));
  });

  it("that came by a channel loses its padding, whatever is in it", () => {
    const datagram = channelData(Buffer.from([7]));
    const next = stun(Buffer.alloc(8));
    const stream = Buffer.concat([datagram, Buffer.from([0xff, 0xff, 0xff]), next]);
    expect(read(TURN_FRAMING, [stream])).toEqual([datagram.toString("hex"), next.toString("hex")]);
  });

  it("of STUN is on the stream as it is", () => {
    const request = stun(Buffer.alloc(8, 3));
    expect(there(TURN_FRAMING, request)).toEqual(request);
  });

  it("has 65,535 bytes at most; a longer one is refused", () => {
    const longest = channelData(Buffer.alloc(65_531, 1));
    expect(read(TURN_FRAMING, [there(TURN_FRAMING, longest)])).toEqual([longest.toString("hex")]);
    expect(TURN_FRAMING.wrap(Buffer.concat([longest, Buffer.alloc(1)]))).toBeUndefined();
  });

  it.each([0, 1, 3])("does not fit in %i bytes, which are refused", (length) => {
    expect(TURN_FRAMING.wrap(Buffer.alloc(length))).toBeUndefined();
  });

  it.each([0x80, 0xbf, 0xc0, 0xff])("does not begin with %i: that is an error, also behind a good one", (first) => {
    const stream = Buffer.concat([there(TURN_FRAMING, stun(Buffer.alloc(4))), Buffer.from([first, 0, 0, 0])]);
    const datagrams: Buffer[] = [];
    const reader = new FrameReader(TURN_FRAMING);
    expect(() => reader.push(stream, (bytes) => datagrams.push(bytes))).toThrow("no message of TURN");
    expect(datagrams).toHaveLength(1);
  });
});
