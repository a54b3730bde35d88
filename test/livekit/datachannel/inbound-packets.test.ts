import { DataPacket, SpeakerInfo, UserPacket } from "@livekit/protocol";
import { describe, expect, it } from "vitest";
import { InboundPackets } from "../../../src/livekit/datachannel/inbound-packets.js";

interface Sent {
  readonly from?: string;
  readonly sid?: string;
  readonly sequence?: number;
  readonly topic?: string;
  readonly text?: string;
}

function wire({ from = "phone", sid = "PA_1", sequence = 0, topic, text = "hi" }: Sent = {}): Uint8Array {
  const value = new UserPacket({ payload: Buffer.from(text), ...(topic === undefined ? {} : { topic }) });
  const packet = { participantIdentity: from, participantSid: sid, sequence, value: { case: "user" as const, value } };
  return new DataPacket(packet).toBinary();
}

const isTaken = (packets: InboundPackets, sent: Sent, isReliable = true) =>
  packets.read(wire(sent), isReliable) !== undefined;

describe("a packet of a user", () => {
  it("comes with its sender, its topic and how it was sent", () => {
    expect(new InboundPackets().read(wire({ topic: "mic" }), true)).toEqual({
      payload: new Uint8Array(Buffer.from("hi")),
      senderIdentity: "phone",
      topic: "mic",
      isReliable: true,
    });
  });

  it("of the server's own API has neither sender nor topic", () => {
    const packet = new InboundPackets().read(wire({ from: "", sid: "" }), false);
    expect(packet).toMatchObject({ senderIdentity: undefined, topic: undefined, isReliable: false });
  });

  it("is plain bytes, also when it came in a buffer inside a larger one", () => {
    const bytes = wire();
    const pool = Buffer.concat([Buffer.from("before"), bytes, Buffer.from("after")]);
    const payload = new InboundPackets().read(pool.subarray(6, 6 + bytes.length), true)?.payload;
    expect(payload?.constructor).toBe(Uint8Array);
    expect(Buffer.from(payload ?? []).toString()).toBe("hi");
  });
});

describe("what is no packet of a user", () => {
  it("is passed over when LiveKit knows it", () => {
    const value = { case: "speaker" as const, value: { speakers: [new SpeakerInfo()] } };
    expect(new InboundPackets().read(new DataPacket({ value }).toBinary(), true)).toBeUndefined();
    expect(new InboundPackets().read(new Uint8Array(0), true)).toBeUndefined();
  });

  it("is an error when it is none of LiveKit's", () => {
    expect(() => new InboundPackets().read(Buffer.from([0xff, 0xff, 0xff]), true)).toThrow();
  });
});

describe("a reliable packet that is sent again", () => {
  it("is passed over, each sender by its own count", () => {
    const packets = new InboundPackets();
    const taken = [1, 2, 2, 1, 3].map((sequence) => isTaken(packets, { sequence }));
    expect(taken).toEqual([true, true, false, false, true]);
    expect(isTaken(packets, { sid: "PA_2", sequence: 1 })).toBe(true);
    expect([...packets.lastSequences]).toEqual([
      ["PA_1", 3],
      ["PA_2", 1],
    ]);
  });

  it("is told by its number alone: packets without one, of nobody, or unreliable are all taken", () => {
    const packets = new InboundPackets();
    isTaken(packets, { sequence: 5 });
    expect(isTaken(packets, { sequence: 0 })).toBe(true);
    expect(isTaken(packets, { sequence: 5 }, false)).toBe(true);
    expect([1, 1].map((sequence) => isTaken(packets, { sid: "", sequence }))).toEqual([true, true]);
    expect([...packets.lastSequences]).toEqual([["PA_1", 5]]);
  });

  it("is new again once its sender was forgotten", () => {
    const packets = new InboundPackets();
    isTaken(packets, { sequence: 5 });
    packets.forget("PA_1");
    expect(isTaken(packets, { sequence: 1 })).toBe(true);
  });
});

describe("the count of senders", () => {
  it("has a bound of a thousand, and those who came first are forgotten first", () => {
    const packets = new InboundPackets();
    for (let i = 0; i < 1000; i += 1) isTaken(packets, { sid: `PA_${i}`, sequence: 1 });
    isTaken(packets, { sid: "PA_999", sequence: 2 });
    expect(packets.lastSequences.size).toBe(1000);
    isTaken(packets, { sid: "PA_new", sequence: 1 });
    expect(packets.lastSequences.size).toBe(1000);
    expect(["PA_0", "PA_1", "PA_new"].map((sid) => packets.lastSequences.has(sid))).toEqual([false, true, true]);
  });
});
