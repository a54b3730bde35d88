import { describe, expect, test } from "vitest";
import { ROOM, setScene, watch, writeLines } from "./scene.js";

const FORMAT = { sampleRateHz: 48_000, channels: 1 } as const;
const SILENT = { read: () => 0 };
const NOTHING = { rooms: 0, connecting: 0, tracks: 0 };

describe("a held connect", () => {
  test("goes on when the fault is lifted, and counts as connecting until then", async () => {
    const { clock, rooms, engine, connect } = setScene();
    const hold = rooms.faults.holdConnects({ identity: "bridge" });
    const connecting = watch(connect());
    await clock.advance(1_000);
    expect([connecting.state, hold.caught, engine.counts().connecting]).toEqual(["pending", 1, 1]);
    expect(rooms.identities(ROOM)).toEqual([]);
    hold.lift();
    await clock.advance(0);
    expect([connecting.state, engine.counts()]).toEqual(["fulfilled", { rooms: 1, connecting: 0, tracks: 0 }]);
    expect(clock.pending).toBe(0);
  });

  test("goes on by itself after its time, and meets only whom it matches", async () => {
    const { clock, rooms, connect } = setScene();
    rooms.faults.holdConnects({ identity: "slow", url: rooms.url, room: ROOM }, { forMs: 500 });
    const slow = watch(connect("slow"));
    const fast = watch(connect("fast"));
    await clock.advance(499);
    expect([slow.state, fast.state]).toEqual(["pending", "fulfilled"]);
    await clock.advance(1);
    expect(slow.state).toBe("fulfilled");
  });

  test("times out after 16 s, and never with a limit of infinity", async () => {
    const { clock, rooms, engine, connect } = setScene();
    rooms.faults.holdConnects({ identity: "mortal" });
    rooms.faults.holdConnects({ identity: "eternal" }, { timeoutMs: Number.POSITIVE_INFINITY });
    const mortal = watch(connect("mortal"));
    const eternal = watch(connect("eternal"));
    await clock.advance(15_999);
    expect(mortal.state).toBe("pending");
    await clock.advance(3_600_000);
    expect([mortal.state, eternal.state, engine.counts().connecting]).toEqual(["timeout", "pending", 1]);
    rooms.faults.liftAll();
    await clock.advance(0);
    expect(eternal.state).toBe("fulfilled");
  });

  test("that was aborted rejects only when the hold ends; it has joined by then, evicted, and left again", async () => {
    const { clock, rooms, engine, connect } = setScene();
    const older = await connect();
    const hold = rooms.faults.holdConnects();
    const giveUp = new AbortController();
    const late = watch(connect("bridge", { signal: giveUp.signal }));
    await clock.advance(0);
    giveUp.abort();
    await clock.advance(5_000);
    expect([late.state, engine.counts().connecting, older.lines]).toEqual(["pending", 1, []]);
    hold.lift();
    await clock.advance(0);
    expect([late.state, older.lines]).toEqual(["aborted", ["ended duplicate_identity"]]);
    expect([engine.counts(), rooms.roomNames]).toEqual([NOTHING, []]);
  });

  test("that can be cancelled rejects at once when it is aborted, and never joins", async () => {
    const { clock, rooms, engine, connect } = setScene();
    const older = await connect();
    const hold = rooms.faults.holdConnects({}, { isAbortable: true });
    const giveUp = new AbortController();
    const late = watch(connect("bridge", { signal: giveUp.signal }));
    await clock.advance(0);
    giveUp.abort();
    await clock.advance(0);
    hold.lift();
    await clock.advance(0);
    expect([late.state, older.lines, clock.pending]).toEqual(["aborted", [], 0]);
    expect(engine.counts()).toEqual({ rooms: 1, connecting: 0, tracks: 0 });
  });

  test("ends with the engine's disposal, after which the engine refuses; other engines go on", async () => {
    const { clock, rooms, engine, connect } = setScene();
    rooms.faults.holdConnects({ identity: "held" });
    const held = watch(connect("held"));
    const { lines } = await connect("bridge");
    await clock.advance(0);
    await Promise.all([engine.dispose(), engine.dispose()]);
    await clock.advance(0);
    expect([held.state, engine.counts(), rooms.roomNames, lines]).toEqual(["aborted", NOTHING, [], []]);
    await expect(connect()).rejects.toMatchObject({ code: "internal" });
    const request = { url: rooms.url, token: await rooms.token("bridge", ROOM), signal: new AbortController().signal };
    await rooms.engine().connect(request, writeLines([]));
    expect(rooms.identities(ROOM)).toEqual(["bridge"]);
  });
});

describe("a refused connect", () => {
  test("rejects with the code of the fault until it is lifted", async () => {
    const { rooms, connect } = setScene();
    const refusal = rooms.faults.refuseConnects({}, "internal");
    await expect(connect()).rejects.toMatchObject({ code: "internal" });
    refusal.lift();
    await connect();
    expect(refusal.caught).toBe(1);
  });

  test("is unreachable after a shutdown, which ends everybody, until the restart", async () => {
    const { clock, rooms, engine, connect, join } = setScene();
    const { lines } = await connect();
    const phone = await join("phone");
    await clock.advance(0);
    rooms.shutdown();
    await clock.advance(0);
    expect(lines).toEqual(["joined phone", "ended server_shutdown"]);
    expect(phone.lines.at(-1)).toBe("ended server_shutdown");
    expect(engine.counts()).toEqual(NOTHING);
    await expect(connect()).rejects.toMatchObject({ code: "unreachable" });
    rooms.restart();
    await connect();
  });
});

describe("a hanging close", () => {
  test("is bounded by 5 s; until then the participant is still there, but hears nothing", async () => {
    const { clock, rooms, engine, connect, join } = setScene();
    rooms.faults.hangCloses();
    const { room, lines } = await connect();
    const { phone } = await join("phone");
    const closing = watch(room.close());
    await phone.publishData(Uint8Array.of(1));
    await clock.advance(4_999);
    expect([closing.state, engine.counts().rooms, rooms.identities(ROOM)]).toEqual(["pending", 1, ["bridge", "phone"]]);
    await clock.advance(1);
    expect([closing.state, engine.counts(), rooms.identities(ROOM)]).toEqual(["fulfilled", NOTHING, ["phone"]]);
    expect([lines, clock.pending]).toEqual([[], 0]);
  });
});

describe("a hanging publish", () => {
  test("times out after 10 s and publishes nothing", async () => {
    const { clock, rooms, engine, connect } = setScene();
    rooms.faults.hangPublishes();
    const { room } = await connect();
    const publishing = watch(room.publishTrack("speaker", FORMAT, SILENT));
    await clock.advance(9_999);
    expect(publishing.state).toBe("pending");
    await clock.advance(1);
    expect([publishing.state, engine.counts().tracks]).toEqual(["timeout", 0]);
  });

  test.each(["closed", "deleted"])("rejects at once when its room is %s", async (how) => {
    const { clock, rooms, connect } = setScene();
    rooms.faults.hangPublishes();
    const { room } = await connect();
    const publishing = watch(room.publishTrack("speaker", FORMAT, SILENT));
    await clock.advance(100);
    await (how === "closed" ? room.close() : rooms.deleteRoom(ROOM));
    await clock.advance(0);
    expect([publishing.state, clock.pending]).toEqual(["room_ended", 0]);
  });

  test("is not a refused one, which rejects with its code at once", async () => {
    const { rooms, connect } = setScene();
    rooms.faults.refusePublishes({ identity: "bridge" });
    const { room } = await connect();
    await expect(room.publishTrack("speaker", FORMAT, SILENT)).rejects.toMatchObject({ code: "internal" });
  });
});

describe("a late announcement", () => {
  test("comes after packets that name no sender; packets after it do", async () => {
    const { clock, rooms, connect, join } = setScene();
    rooms.faults.announceLate({ identity: "phone" }, 3_000);
    const { room, lines } = await connect();
    const { phone } = await join("phone");
    await phone.publishData(Uint8Array.of(1));
    await clock.advance(2_999);
    expect([lines, room.participantCount]).toEqual([["packet 1 of ?"], 1]);
    await clock.advance(1);
    await phone.publishData(Uint8Array.of(2));
    await clock.advance(0);
    expect(lines).toEqual(["packet 1 of ?", "joined phone", "packet 2 of phone"]);
    expect(room.participantCount).toBe(2);
  });

  test("of one that has left before it never comes, nor is it heard to leave", async () => {
    const { clock, rooms, connect, join } = setScene();
    rooms.faults.announceLate({}, 3_000);
    const { lines } = await connect();
    const { phone } = await join("phone");
    await clock.advance(100);
    await phone.leave();
    await clock.advance(10_000);
    expect([lines, clock.pending]).toEqual([[], 0]);
  });

  test("is brought forward by a track", async () => {
    const { clock, rooms, connect, join } = setScene();
    const watcher = await join("watcher");
    rooms.faults.announceLate({}, 3_000);
    const { room } = await connect();
    await clock.advance(100);
    expect(watcher.lines).toEqual([]);
    await room.publishTrack("speaker", FORMAT, SILENT);
    await clock.advance(0);
    expect(watcher.lines).toEqual(["joined bridge"]);
  });
});

describe("a lossy network", () => {
  test("loses lossy packets by the probability of the fault, and no reliable ones", async () => {
    let draws = 0;
    const { clock, rooms, connect, join } = setScene({ random: () => (draws++ % 4) / 4 });
    rooms.faults.loseLossyPackets({ identity: "phone" }, 0.5);
    const { lines } = await connect();
    const { phone } = await join("phone");
    for (let index = 0; index < 100; index++) await phone.publishData(Uint8Array.of(1), { reliable: false });
    for (let index = 0; index < 100; index++) await phone.publishData(Uint8Array.of(2));
    await clock.advance(0);
    expect(lines.filter((line) => line === "packet 1 of phone")).toHaveLength(50);
    expect(lines.filter((line) => line === "packet 2 of phone")).toHaveLength(100);
  });
});
