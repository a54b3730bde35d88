import { describe, expect, test } from "vitest";
import { HELD_PACKETS_MAX } from "../../../src/livekit/embedded/link.js";
import { ROOM, setScene } from "./scene.js";

const FORMAT = { sampleRateHz: 48_000, channels: 1 } as const;

describe("an outage of the transport", () => {
  test("keeps reliable packets and news for afterwards, in order, and loses lossy packets", async () => {
    const { clock, rooms, connect, join } = setScene();
    const { lines } = await connect();
    const { phone } = await join("phone");
    await clock.advance(0);
    rooms.dropTransport(ROOM, "bridge", { durationMs: 2_000 });
    await phone.publishData(Uint8Array.of(1));
    await phone.publishData(Uint8Array.of(2), { reliable: false });
    await join("other");
    await phone.publishData(Uint8Array.of(3));
    await clock.advance(1_999);
    expect(lines).toEqual(["joined phone", "reconnecting"]);
    await clock.advance(1);
    expect(lines.slice(2)).toEqual(["reconnected", "packet 1 of phone", "joined other", "packet 3 of phone"]);
  });

  test("of the sender keeps its reliable packets, as they were when it sent them", async () => {
    const { clock, rooms, connect, join } = setScene();
    const { lines } = await connect();
    const { phone } = await join("phone");
    rooms.dropTransport(ROOM, "phone", { durationMs: 100 });
    const payload = Uint8Array.of(1);
    await phone.publishData(payload);
    await phone.publishData(payload, { reliable: false });
    payload.fill(9);
    await clock.advance(99);
    expect(lines).toEqual(["joined phone"]);
    await clock.advance(1);
    expect(lines).toEqual(["joined phone", "packet 1 of phone"]);
  });

  test("keeps no more than a bound of packets", async () => {
    const { clock, rooms, connect, join } = setScene();
    const { lines } = await connect();
    const { phone } = await join("phone");
    rooms.dropTransport(ROOM, "bridge", { durationMs: 100 });
    for (let index = 0; index < HELD_PACKETS_MAX + 10; index++) await phone.publishData(Uint8Array.of(1));
    await clock.advance(100);
    expect(lines.filter((line) => line.startsWith("packet"))).toHaveLength(HELD_PACKETS_MAX);
  });

  test("that ends fully lets everybody leave and join again, and what was sent meanwhile is gone", async () => {
    const { clock, rooms, connect, join } = setScene();
    const { room, lines } = await connect();
    const { phone } = await join("phone");
    const stranger = await join("stranger");
    await clock.advance(0);
    lines.length = 0;
    rooms.dropTransport(ROOM, "bridge", { durationMs: 500, end: "full" });
    await clock.advance(0);
    expect([lines, room.participantCount]).toEqual([["left phone", "left stranger", "reconnecting"], 1]);
    lines.length = 0;
    await phone.publishData(Uint8Array.of(1));
    await stranger.phone.leave();
    await join("other");
    await clock.advance(500);
    expect(lines).toEqual(["joined phone", "joined other", "reconnected"]);
    expect(room.remoteIdentities).toEqual(["phone", "other"]);
  });

  test("without return ends in connection_lost, and the others hear it leave", async () => {
    const { clock, rooms, engine, connect, join } = setScene();
    const { room, lines } = await connect();
    const phone = await join("phone");
    await room.publishTrack("speaker", FORMAT, { read: () => 0 });
    rooms.dropTransport(ROOM, "bridge", { durationMs: 20_000, end: "lost" });
    await clock.advance(19_999);
    expect(lines).toEqual(["joined phone", "reconnecting"]);
    await clock.advance(1);
    expect(lines.at(-1)).toBe("ended connection_lost");
    expect(phone.lines).toEqual(["left bridge"]);
    expect([engine.counts(), clock.pending]).toEqual([{ rooms: 0, connecting: 0, tracks: 0 }, 0]);
  });

  test("costs its track the sound of that time, and no more", async () => {
    const { clock, rooms, connect, join } = setScene();
    const { room } = await connect();
    const { frames } = await join("phone");
    let value = 0;
    await room.publishTrack("speaker", FORMAT, { read: (frame) => frame.fill(++value).length });
    await clock.advance(100);
    rooms.dropTransport(ROOM, "bridge", { durationMs: 200 });
    await clock.advance(400);
    const heard = frames.map((frame) => frame.samples[0] ?? 0);
    expect(heard.length).toBeGreaterThanOrEqual(29);
    const steps = heard.slice(1).map((now, index) => now - (heard[index] ?? 0));
    expect(steps.filter((step) => step !== 1)).toEqual([20]);
  });

  test.each(["close", "kick"])("ends with the room on %s, and leaves no timer", async (how) => {
    const { clock, rooms, connect, join } = setScene();
    const { room, lines } = await connect();
    const { phone } = await join("phone");
    await clock.advance(0);
    rooms.dropTransport(ROOM, "bridge", { durationMs: 60_000 });
    await phone.publishData(Uint8Array.of(1));
    await clock.advance(0);
    await (how === "close" ? room.close() : rooms.removeParticipant(ROOM, "bridge"));
    await clock.advance(0);
    expect(clock.pending).toBe(0);
    await clock.advance(60_000);
    const end = how === "close" ? [] : ["ended participant_removed"];
    expect(lines).toEqual(["joined phone", "reconnecting", ...end]);
  });
});
