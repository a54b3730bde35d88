import { connect as connectTcp } from "node:net";
import { describe, expect, it } from "vitest";
import { ICE_TCP_FRAMING, TURN_FRAMING } from "../../../src/livekit/datachannel/stream-framing.js";
import { LOOPBACK, StreamTunnel } from "../../../src/livekit/datachannel/stream-tunnel.js";
import { eventually } from "../../support/eventually.js";
import { createSimulatedClock } from "../../support/simulated-clock.js";
import { bindLocal, setUp } from "./tunnel-scene.js";

describe("a tunnel", () => {
  it("carries datagrams both ways, each as it is", async () => {
    const { far, local, send, greet } = await setUp();
    await greet();
    for (const text of ["one", "", "three"]) await send(text);
    await eventually("all of them", () => far.heard.length === 4);
    expect(far.texts()).toEqual(["hello", "one", "", "three"]);
    await far.say("1", "", "3");
    await eventually("all of them", () => local.heard.length === 4);
    expect(local.heard).toEqual(["welcome", "1", "", "3"]);
  });

  it("connects with the first datagram, and only once", async () => {
    const { streams, send, isHeard } = await setUp();
    expect(streams).toHaveLength(0);
    await send("one");
    await isHeard("one");
    await send("two");
    await isHeard("two");
    expect(streams).toHaveLength(1);
  });

  it("hears one sender only, also when two have spoken before it listened", async () => {
    const { send, far } = await setUp();
    const other = await bindLocal();
    // Both lie there when it looks.
    const said = [send("first"), send("other", other.socket), send("last")];
    await Promise.all(said);
    await eventually("all of it has come", () => far.texts().includes("last"));
    expect(far.texts()).toEqual(["first", "last"]);
  });

  it("that cannot even begin to connect ends, once", async () => {
    const local = await bindLocal();
    const ended: string[] = [];
    const tunnel = await StreamTunnel.open({
      clock: createSimulatedClock(),
      framing: ICE_TCP_FRAMING,
      connect: () => connectTcp({ host: LOOPBACK, port: 99_999 }),
      ended: (why) => ended.push(why),
    });
    for (const text of ["one", "two"]) local.socket.send(text, tunnel.port, LOOPBACK);
    await eventually("it has ended", () => ended.length > 0);
    await bindLocal(tunnel.port);
    expect(ended).toEqual([expect.stringMatching(/port/i)]);
  });

  it("hears and answers nobody but the first that spoke", async () => {
    const { far, local, send, isHeard, greet } = await setUp();
    const other = await bindLocal();
    await greet();
    await send("from another", other.socket);
    await send("from the first");
    await isHeard("from the first");
    await far.say("answer");
    await eventually("the answer", () => local.heard.includes("answer"));
    expect([far.texts(), other.heard]).toEqual([["hello", "from the first"], []]);
  });

  it("leaves out what its framing cannot hold, and goes on", async () => {
    const { ended, far, send } = await setUp({ framing: TURN_FRAMING });
    const whole = Buffer.from([0x40, 0, 0, 1, 7]);
    for (const datagram of [Buffer.from("abc"), whole]) await send(datagram);
    await eventually("a message", () => far.heard.length > 0);
    expect([far.heard, ended]).toEqual([[whole], []]);
  });

  it("tells whether something has come of late, which what is sent does not change", async () => {
    const { clock, tunnel, send, isHeard, greet } = await setUp();
    const startMs = clock.now();
    await send("nobody answers");
    await isHeard("nobody answers");
    expect(tunnel.hasCarriedSince(startMs)).toBe(false);
    await greet();
    await clock.advance(9999);
    await send("still there?");
    await isHeard("still there?");
    expect([tunnel.hasCarriedSince(startMs), tunnel.hasCarriedSince(startMs + 1)]).toEqual([true, false]);
    await clock.advance(1);
    expect(tunnel.hasCarriedSince(startMs)).toBe(false);
  });
});

describe("a tunnel tells once that it has ended, and is closed then", () => {
  it("when the far side half-closes it and takes nothing any more", async () => {
    const { far, stream, ended, send, isEnded } = await setUp({ reads: false });
    await send("hello");
    const connection = await far.connection();
    while (stream().writableLength <= 256 * 1024) {
      await send(Buffer.alloc(60_000));
      await new Promise((resolve) => setImmediate(resolve));
    }
    connection.end();
    await isEnded();
    expect(ended).toEqual(["the far side closed it"]);
  });

  it("when the far side closes it", async () => {
    const { far, greet, isEnded, ended, tunnel } = await setUp();
    await greet();
    (await far.connection()).end();
    await isEnded();
    await bindLocal(tunnel.port);
    expect(ended).toEqual(["the far side closed it"]);
  });

  it("when the far side breaks it off", async () => {
    const { far, greet, isEnded, ended, stream, tunnel } = await setUp();
    await greet();
    (await far.connection()).resetAndDestroy();
    await isEnded();
    await eventually("the stream is closed", () => stream().closed);
    await bindLocal(tunnel.port);
    expect(ended).toEqual([expect.stringContaining("ECONNRESET")]);
  });

  it("when nobody answers there", async () => {
    const { send, isEnded, ended, stream, tunnel } = await setUp({ isRefusing: true });
    await send("hello");
    await isEnded();
    await eventually("the stream is closed", () => stream().closed);
    await bindLocal(tunnel.port);
    expect(ended).toEqual([expect.stringContaining("ECONNREFUSED")]);
  });

  it("when the far side says what is no frame", async () => {
    const { far, send, isEnded, ended, stream, tunnel } = await setUp({ framing: TURN_FRAMING });
    await send(Buffer.from([0x40, 0, 0, 0]));
    const connection = await far.connection();
    for (let i = 0; i < 3; i += 1) connection.write(Buffer.alloc(100, 0xff));
    await isEnded();
    await eventually("the stream is closed", () => stream().closed);
    await bindLocal(tunnel.port);
    expect(ended).toEqual(["no message of TURN"]);
  });

  it("when the library has closed its side, and something comes", async () => {
    const { far, local, greet, isEnded, ended, stream } = await setUp();
    await greet();
    local.close();
    await far.say("anybody?");
    await isEnded();
    await eventually("the stream is closed", () => stream().closed);
    expect(ended).toEqual([expect.stringContaining("ECONNREFUSED")]);
  });
});

describe("a tunnel that is closed", () => {
  it("leaves no socket open, and tells nobody, however often it is closed", async () => {
    const { far, greet, ended, stream, tunnel } = await setUp();
    await greet();
    tunnel.close();
    tunnel.close();
    const connection = await far.connection();
    await eventually("both ends of the stream are closed", () => connection.closed && stream().closed);
    await bindLocal(tunnel.port);
    expect(ended).toEqual([]);
  });

  it("tells nobody either when it was still connecting", async () => {
    const { send, ended, streams, stream, tunnel } = await setUp({ isRefusing: true });
    await send("hello");
    await eventually("it connects", () => {
      if (streams.length > 0) tunnel.close();
      return streams.length > 0;
    });
    await eventually("the stream is closed", () => stream().closed);
    tunnel.close();
    expect(ended.filter((why) => !why.includes("ECONNREFUSED"))).toEqual([]);
  });

  it("before it was used has never connected", async () => {
    const { streams, ended, tunnel } = await setUp();
    tunnel.close();
    await bindLocal(tunnel.port);
    expect([streams, ended]).toEqual([[], []]);
  });
});

it("a tunnel whose far side does not read holds 256 KiB and a frame at most, and what it carries then is whole and in order", async () => {
  const { far, send, stream, ended } = await setUp({ reads: false });
  const DATAGRAM_BYTES = 60_000;
  const held: number[] = [];
  let sent = 0;
  const sendNext = async () => {
    const datagram = Buffer.alloc(DATAGRAM_BYTES, sent % 251);
    datagram.writeUInt32BE((sent += 1), 0);
    await send(datagram);
    await new Promise((resolve) => setImmediate(resolve));
  };
  await sendNext();
  const connection = await far.connection();
  const isFull = () => stream().writableLength > 256 * 1024;
  while (held.length < 50) {
    await sendNext();
    // What comes before has gone into the buffers of the system.
    if (isFull()) held.push(stream().writableLength);
  }
  expect(Math.max(...held)).toBeLessThanOrEqual(256 * 1024 + 2 + DATAGRAM_BYTES);

  connection.resume();
  await eventually("all that was held is there", () => stream().writableLength === 0);
  await sendNext();
  const numbers = () => far.heard.map((datagram) => datagram.readUInt32BE(0));
  await eventually("the last one is there", () => numbers().at(-1) === sent);
  expect(numbers()).toEqual(numbers().toSorted((a, b) => a - b));
  expect(new Set(numbers()).size).toBe(far.heard.length);
  expect(far.heard.length).toBeLessThanOrEqual(sent - 40);
  for (const datagram of far.heard) {
    const rest = Buffer.alloc(DATAGRAM_BYTES - 4, (datagram.readUInt32BE(0) - 1) % 251);
    expect(datagram.subarray(4).equals(rest), "it is whole").toBe(true);
  }
  expect(ended).toEqual([]);
});
