import { DataPacket, DataPacket_Kind, SpeakerInfo, UserPacket } from "@livekit/protocol";
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

describe("a packet with everything in it that LiveKit knows", () => {
  it("is read as LiveKit's own library reads it", () => {
    const value = new UserPacket({
      payload: Buffer.alloc(3200, 7),
      topic: "mic",
      id: "an-id",
      participantSid: "PA_other",
      participantIdentity: "other",
      destinationSids: ["PA_3", "PA_4"],
      destinationIdentities: ["a", "b"],
      nonce: Buffer.from("nonce"),
      startTime: 1n << 60n,
      endTime: 3n,
    });
    const bytes = new DataPacket({
      value: { case: "user", value },
      kind: DataPacket_Kind.LOSSY,
      destinationIdentities: ["a", "b"],
      participantIdentity: "phone",
      participantSid: "PA_1",
      sequence: 4_294_967_295,
    }).toBinary();
    const packets = new InboundPackets();
    expect(packets.read(bytes, true)).toEqual({
      payload: new Uint8Array(3200).fill(7),
      senderIdentity: "phone",
      topic: "mic",
      isReliable: true,
    });
    expect([...packets.lastSequences]).toEqual([["PA_1", 4_294_967_295]]);
  });

  it("is whole or an error, wherever it ends", () => {
    const bytes = wire({ sequence: 300, topic: "mic" });
    const results = Array.from({ length: bytes.length }, (_, length) => {
      try {
        return new InboundPackets().read(bytes.subarray(0, length), true)?.payload.length;
      } catch {
        return "error";
      }
    });
    expect(new Set(results)).toEqual(new Set([undefined, "error", 2]));
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
