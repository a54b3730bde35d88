import { expect, test } from "vitest";
import type { DataPacket } from "../../../src/livekit/room.js";
import { bytes, eventually, known, sleep, type Stage } from "./stage.js";

const numbered = (index: number): Uint8Array => bytes(index >> 8, index & 0xff, 7);
const numberOf = ({ payload }: DataPacket): number => ((payload[0] ?? 0) << 8) | (payload[1] ?? 0);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

export function describeData(stage: () => Stage): void {
  test("500 reliable packets arrive complete and in order", async () => {
    const name = stage().freshRoom();
    const bridge = await stage().connect("bridge", name);
    const phone = await stage().join("phone", name);
    for (const index of upTo(500)) await phone.publishData(numbered(index));
    await eventually(() => expect(bridge.heard.packets).toHaveLength(500));
    expect(bridge.heard.packets.map(numberOf)).toEqual(upTo(500));
    expect(bridge.heard.packets.every((packet) => packet.isReliable)).toBe(true);
  });

  test("lossy packets arrive as such", async () => {
    const name = stage().freshRoom();
    const bridge = await stage().connect("bridge", name);
    const phone = await stage().join("phone", name);
    await eventually(async () => {
      await phone.publishData(bytes(1, 2, 3), { reliable: false });
      expect(bridge.heard.packets.length).toBeGreaterThan(0);
    });
    expect(bridge.heard.packets.every((packet) => !packet.isReliable)).toBe(true);
    expect([...(bridge.heard.packets[0]?.payload ?? [])]).toEqual([1, 2, 3]);
  });

  test.each([1, 2, 640, 3_200, 15_000, 60_000])("a packet of %i bytes arrives unchanged", async (length) => {
    const name = stage().freshRoom();
    const bridge = await stage().connect("bridge", name);
    const phone = await stage().join("phone", name);
    const payload = Uint8Array.from({ length }, (_, index) => (index * 31 + length) & 0xff);
    await phone.publishData(payload);
    await eventually(() => expect(bridge.heard.packets).toHaveLength(1));
    expect(Buffer.compare(bridge.heard.packets[0]?.payload ?? bytes(), payload)).toBe(0);
  });

  test("an empty packet arrives empty or not at all, and disturbs nothing behind it", async () => {
    const name = stage().freshRoom();
    const bridge = await stage().connect("bridge", name);
    const phone = await stage().join("phone", name);
    await phone.publishData(bytes()).catch(() => undefined);
    await phone.publishData(bytes(5));
    await eventually(() => expect(bridge.heard.packets.at(-1)?.payload).toEqual(bytes(5)));
    expect(bridge.heard.packets.slice(0, -1).map((packet) => packet.payload.length)).toEqual(
      bridge.heard.packets.length > 1 ? [0] : [],
    );
  });

  test("a payload is the receiver's own: what the sender does with its array afterwards changes nothing", async () => {
    const name = stage().freshRoom();
    const bridge = await stage().connect("bridge", name);
    const phone = await stage().join("phone", name);
    const payload = bytes(1, 2, 3);
    await phone.publishData(payload);
    payload.fill(9);
    await eventually(() => expect(bridge.heard.packets).toHaveLength(1));
    const received = bridge.heard.packets[0]?.payload ?? bytes();
    await phone.publishData(bytes(4, 5, 6));
    await eventually(() => expect(bridge.heard.packets).toHaveLength(2));
    expect([...received]).toEqual([1, 2, 3]);
  });

  test("the topic arrives, and is undefined when there was none", async () => {
    const name = stage().freshRoom();
    const bridge = await stage().connect("bridge", name);
    const phone = await stage().join("phone", name);
    await phone.publishData(bytes(1), { topic: "audio" });
    await phone.publishData(bytes(2));
    await eventually(() => expect(bridge.heard.packets).toHaveLength(2));
    expect(bridge.heard.packets.map((packet) => packet.topic)).toEqual(["audio", undefined]);
  });

  test("packets of announced participants carry their identity, so that several can be told apart", async () => {
    const name = stage().freshRoom();
    const bridge = await stage().connect("bridge", name);
    const senders = [await stage().join("phone", name), await stage().join("stranger", name)];
    await known(bridge, "phone");
    await known(bridge, "stranger");
    for (const [index, sender] of senders.entries()) await sender.publishData(bytes(index));
    await eventually(() => expect(bridge.heard.packets).toHaveLength(2));
    const byPayload = bridge.heard.packets.toSorted((a, b) => numberOf(a) - numberOf(b));
    expect(byPayload.map((packet) => packet.senderIdentity)).toEqual(["phone", "stranger"]);
  });

  test("data of the server's own API has no sender, whoever else is there", async () => {
    const name = stage().freshRoom();
    const bridge = await stage().connect("bridge", name);
    await stage().join("phone", name);
    await known(bridge, "phone");
    await stage().harness.sendServerData(name, bytes(1, 2));
    await eventually(() => expect(bridge.heard.packets).toHaveLength(1));
    expect(bridge.heard.packets[0]?.senderIdentity).toBeUndefined();
    expect([...(bridge.heard.packets[0]?.payload ?? [])]).toEqual([1, 2]);
  });

  test("one who joins later and sends at once loses nothing: unknown at first perhaps, announced within 5 s", async () => {
    const name = stage().freshRoom();
    const bridge = await stage().connect("bridge", name);
    const phone = await stage().join("phone", name);
    for (const index of upTo(20)) await phone.publishData(numbered(index));
    await eventually(() => expect(bridge.heard.joined).toEqual(["phone"]), 5_000);
    await eventually(() => expect(bridge.heard.packets).toHaveLength(20));
    expect(bridge.heard.packets.map(numberOf)).toEqual(upTo(20));
    for (const { senderIdentity } of bridge.heard.packets) expect([undefined, "phone"]).toContain(senderIdentity);
  });

  test("a late publish costs no packet: data that flows meanwhile arrives complete and in order", async () => {
    const name = stage().freshRoom();
    const bridge = await stage().connect("bridge", name);
    const phone = await stage().join("phone", name);
    const sending = (async () => {
      for (const index of upTo(60)) {
        await phone.publishData(numbered(index));
        await sleep(10);
      }
    })();
    await eventually(() => expect(bridge.heard.packets.length).toBeGreaterThan(5));
    const track = await bridge.room.publishTrack(
      "speaker",
      { sampleRateHz: 48_000, channels: 1 },
      { read: (frame) => frame.fill(1_000).length },
    );
    await sending;
    await eventually(() => expect(bridge.heard.packets).toHaveLength(60));
    expect(bridge.heard.packets.map(numberOf)).toEqual(upTo(60));
    await track.close();
  });

  test("a listener that throws misses nothing itself and disturbs nobody else", async () => {
    const name = stage().freshRoom();
    const fail = (): never => {
      throw new Error("from a listener");
    };
    const careless = await stage().connect("careless", name, { onPacket: fail, onJoined: fail });
    const careful = await stage().connect("careful", name);
    const phone = await stage().join("phone", name);
    for (const index of upTo(20)) await phone.publishData(numbered(index));
    for (const { heard } of [careless, careful]) {
      await eventually(() => expect(heard.packets.map(numberOf)).toEqual(upTo(20)));
      await eventually(() => expect(heard.joined).toContain("phone"));
    }
  });
}
