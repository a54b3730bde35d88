import { describe, expect, test } from "vitest";
import { createEmbeddedRooms } from "../../../src/livekit/embedded/rooms.js";
import { createSimulatedClock } from "../../support/simulated-clock.js";
import type { Room } from "../../../src/livekit/room.js";
import { ROOM, setScene, writeLines, type Scene } from "./scene.js";

const FORMAT = { sampleRateHz: 48_000, channels: 2 } as const;

describe("embedded rooms", () => {
  test("tell nothing inside the call that caused it, and nothing before time moves", async () => {
    const { clock, connect, join } = setScene();
    const { lines } = await connect();
    const { phone } = await join("phone");
    await phone.publishData(Uint8Array.of(1));
    expect(lines).toEqual([]);
    await clock.advance(0);
    expect(lines).toEqual(["joined phone", "packet 1 of phone"]);
  });

  test("keep one order for all that anybody is told, across senders and kinds", async () => {
    const { clock, connect, join } = setScene();
    const { lines } = await connect();
    const one = await join("one");
    const two = await join("two");
    await one.phone.publishData(Uint8Array.of(1), { reliable: false });
    await two.phone.publishData(Uint8Array.of(2));
    await one.phone.publishData(Uint8Array.of(3));
    await one.phone.leave();
    await clock.advance(0);
    expect(lines).toEqual([
      "joined one",
      "joined two",
      "packet 1 of one",
      "packet 2 of two",
      "packet 3 of one",
      "left one",
    ]);
  });

  test("send nothing back to the sender, and each receiver gets bytes of its own", async () => {
    const { clock, rooms, join } = setScene();
    const received: Uint8Array[] = [];
    const listener = { packet: ({ payload }: { payload: Uint8Array }) => void received.push(payload) };
    await rooms.join({ identity: "one", room: ROOM }, listener);
    await rooms.join({ identity: "two", room: ROOM }, listener);
    const { phone, lines } = await join("phone");
    await phone.publishData(Buffer.from([1, 2]));
    await clock.advance(0);
    received[0]?.fill(9);
    expect(received).toEqual([Uint8Array.of(9, 9), Uint8Array.of(1, 2)]);
    expect(lines).toEqual([]);
  });

  test("refuse payloads over 64,000 bytes and packets of those who have left", async () => {
    const { join } = setScene();
    const { phone } = await join("phone");
    await phone.publishData(new Uint8Array(64_000));
    await expect(phone.publishData(new Uint8Array(64_001))).rejects.toThrow("maximum message size");
    await phone.leave();
    await expect(phone.publishData(Uint8Array.of(1))).rejects.toThrow("not in the room");
  });

  test("drop, without a word, the data of those whose token forbids it", async () => {
    const { clock, connect, join } = setScene();
    const { lines } = await connect();
    const { phone } = await join("phone", { canPublishData: false });
    await phone.publishData(Uint8Array.of(1));
    await clock.advance(0);
    expect(lines).toEqual(["joined phone"]);
  });

  test("answer at their own address alone, by whatever scheme", async () => {
    const clock = createSimulatedClock();
    const rooms = createEmbeddedRooms({ clock, url: "ws://livekit.test:7880" });
    const engine = rooms.engine();
    const listener = writeLines([]);
    const { signal } = new AbortController();
    const token = await rooms.token("bridge", ROOM);
    for (const scheme of ["ws", "wss", "http", "https"]) {
      const room = await engine.connect({ url: `${scheme}://livekit.test:7880/path`, token, signal }, listener);
      await room.close();
    }
    const elsewhere = engine.connect({ url: "ws://livekit.test:7881", token, signal }, listener);
    await expect(elsewhere).rejects.toMatchObject({ code: "unreachable" });
  });

  test("reject what the server's API is asked of rooms and participants that do not exist", async () => {
    const { rooms, connect } = setScene();
    await expect(rooms.deleteRoom("none")).rejects.toThrow("not found");
    await expect(rooms.sendServerData("none", Uint8Array.of(1))).rejects.toThrow("not found");
    await connect();
    await expect(rooms.removeParticipant(ROOM, "nobody")).rejects.toThrow("not found");
  });

  test("report what listeners throw, and deliver the rest", async () => {
    const { clock, rooms, errors, join } = setScene();
    const fail = () => {
      throw new Error("from a listener");
    };
    await rooms.join({ identity: "careless", room: ROOM }, { packet: fail });
    const careful = await join("careful");
    const { phone } = await join("phone");
    await phone.publishData(Uint8Array.of(1));
    await clock.advance(0);
    expect(errors).toEqual([new Error("from a listener")]);
    expect(careful.lines.at(-1)).toBe("packet 1 of phone");
  });

  test("forget a room with its last participant, and leave no timer", async () => {
    const { clock, rooms, engine, connect, join } = setScene();
    for (let cycle = 0; cycle < 100; cycle++) {
      const { room } = await connect();
      const { phone } = await join("phone");
      await room.publishTrack("speaker", FORMAT, { read: (frame) => frame.length });
      await phone.publishData(Uint8Array.of(1));
      await Promise.all([room.close(), phone.leave()]);
      await clock.advance(0);
    }
    expect([rooms.roomNames, clock.pending]).toEqual([[], 0]);
    expect(engine.counts()).toEqual({ rooms: 0, connecting: 0, tracks: 0 });
  });

  test("say nothing after close, not even what was on its way", async () => {
    const { clock, connect, join } = setScene();
    const { room, lines } = await connect();
    const { phone } = await join("phone");
    await phone.publishData(Uint8Array.of(1));
    await room.close();
    await clock.advance(1_000);
    expect(lines).toEqual([]);
  });

  test("say nothing after ended, and a close in between is stronger than the end", async () => {
    const { clock, rooms, engine, connect, join } = setScene();
    const kicked = await connect("kicked");
    const closed = await connect("closed");
    const { phone } = await join("phone");
    await clock.advance(0);
    await rooms.removeParticipant(ROOM, "kicked");
    await rooms.removeParticipant(ROOM, "closed");
    await phone.publishData(Uint8Array.of(1));
    await closed.room.close();
    await clock.advance(0);
    expect(kicked.lines).toEqual(["joined closed", "joined phone", "ended participant_removed"]);
    expect(closed.lines).toEqual(["joined phone"]);
    expect(engine.counts().rooms).toBe(0);
  });
});

describe("a track in embedded rooms", () => {
  const endless = () => {
    let value = 0;
    return { read: (frame: Int16Array) => frame.fill(++value).length };
  };

  test("begins when the first subscriber is there, so that nobody misses its beginning", async () => {
    const { clock, connect, join } = setScene();
    const { room } = await connect();
    const { phone, frames } = await join("phone");
    await room.publishTrack("speaker", FORMAT, endless());
    await clock.advance(20);
    expect(phone.trackNames).toEqual(["speaker"]);
    expect(frames.map((frame) => frame.samples[0])).toEqual([1, 2, 3]);
    expect(frames[0]).toMatchObject({ trackName: "speaker", publisherIdentity: "bridge", ...FORMAT, at: 0 });
    expect(frames[0]?.samples).toHaveLength(960);
  });

  test("waits 300 ms for a subscriber and then begins for whoever comes", async () => {
    const { clock, connect, join } = setScene();
    const { room } = await connect();
    const source = endless();
    let reads = 0;
    await room.publishTrack("speaker", FORMAT, { read: (frame) => (reads++, source.read(frame)) });
    await clock.advance(299);
    expect(reads).toBe(0);
    await clock.advance(101);
    expect(reads).toBe(11);
    const { phone, frames } = await join("phone");
    await clock.advance(10);
    expect(phone.trackNames).toEqual(["speaker"]);
    expect(frames.map((frame) => frame.samples[0])).toEqual([12]);
  });

  test.each<[string, (scene: Scene, room: Room) => unknown]>([
    ["was kicked, before it has heard so", async ({ rooms }) => await rooms.removeParticipant(ROOM, "bridge")],
    ["is closing", (_scene, room) => room.close()],
  ])("is refused to one that %s", async (_name, end) => {
    const scene = setScene();
    scene.rooms.faults.hangCloses();
    const { room } = await scene.connect();
    void end(scene, room);
    await expect(room.publishTrack("late", FORMAT, endless())).rejects.toMatchObject({ code: "room_ended" });
    await scene.clock.advance(5_000);
    expect([scene.engine.counts().tracks, scene.rooms.roomNames]).toEqual([0, []]);
  });

  test("is heard only by those who may subscribe, and no longer than they stay", async () => {
    const { clock, connect, join } = setScene();
    const { room } = await connect();
    const deaf = await join("deaf", { canSubscribe: false });
    const leaver = await join("leaver");
    await room.publishTrack("speaker", FORMAT, endless());
    await clock.advance(50);
    await leaver.phone.leave();
    const heard = leaver.frames.length;
    await clock.advance(50);
    expect(heard).toBe(6);
    expect([deaf.frames.length, leaver.frames.length]).toEqual([0, heard]);
  });

  test("gives each of its listeners frames of their own", async () => {
    const { clock, connect, join } = setScene();
    const { room } = await connect();
    const [one, two] = [await join("one"), await join("two")];
    await room.publishTrack("speaker", FORMAT, endless());
    await clock.advance(0);
    one.frames[0]?.samples.fill(9);
    await clock.advance(20);
    expect(two.frames.map((frame) => frame.samples[0])).toEqual([1, 2, 3]);
  });
});
