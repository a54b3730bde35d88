import { expect, onTestFinished, test } from "vitest";
import type { DataPacket, TrackFormat } from "../../../src/livekit/room.js";
import type { FragileServer, HarnessParticipant } from "../room-conformance.js";
import { bytes, eventually, sleep, type Stage } from "./stage.js";
import { analyse, createToneSource, laterThan } from "./tone.js";

const MONO: TrackFormat = { sampleRateHz: 48_000, channels: 1 };
const LOST_AND_BACK = ["reconnecting", "reconnected"];
/** LiveKit starts anew and everybody comes back. */
const RESTART_MAX_MS = 20_000;

const numberOf = ({ payload }: DataPacket): number => ((payload[0] ?? 0) << 8) | (payload[1] ?? 0);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Sends numbered packets, 50 a second. */
async function speak(phone: HarnessParticipant, count: number): Promise<void> {
  for (const index of upTo(count)) {
    await phone.publishData(bytes(index >> 8, index & 0xff));
    await sleep(20);
  }
}

export function describeRecovery(stage: () => Stage): void {
  async function startServer(): Promise<FragileServer> {
    const { startFragile } = stage().harness;
    if (startFragile === undefined) throw new Error("the harness has no server that can be lost");
    const server = await startFragile();
    onTestFinished(async () => {
      await stage().clear();
      await server.stop();
    });
    return server;
  }

  test("words alone are cut off: it is regained, and packets and sound go on meanwhile", async () => {
    const at = await startServer();
    const name = stage().freshRoom();
    const phone = await stage().join("phone", name, at);
    const { room, heard } = await stage().connect("bridge", name, { at });
    const source = createToneSource(440);
    source.play(2_500);
    const hearing = phone.hear("speaker", 3_000);
    await room.publishTrack("speaker", MONO, source);
    const speaking = speak(phone, 60);
    await eventually(() => expect(heard.packets.length).toBeGreaterThan(10));
    at.resetSignal();
    await speaking;
    await eventually(() => expect(heard.changes).toEqual(LOST_AND_BACK));
    await eventually(() => expect(heard.packets.map(numberOf)).toEqual(upTo(60)));
    expect(analyse(await hearing).durationMs).toBeGreaterThan(2_200);
    expect([heard.left, heard.ended]).toEqual([[], []]);
  });

  test("cut off three times in a row, it is regained three times", async () => {
    const at = await startServer();
    const name = stage().freshRoom();
    const { room, heard } = await stage().connect("bridge", name, { at });
    for (const count of upTo(3)) {
      at.resetSignal();
      await eventually(() => expect(heard.changes).toHaveLength(2 * count + 2));
    }
    const phone = await stage().join("phone", name, at);
    await phone.publishData(bytes(1));
    await eventually(() => expect(heard.packets).toHaveLength(1));
    await eventually(() => expect(room.remoteIdentities).toEqual(["phone"]));
    expect(heard.ended).toEqual([]);
  });

  test("a token that has run out meanwhile is no hindrance, since the server has renewed it", async () => {
    const at = await startServer();
    const name = stage().freshRoom();
    const { room, heard } = await stage().connect("bridge", name, { at, ttlSeconds: 2 });
    // A change of what one may do is told with a new token.
    await at.setCanPublish(name, "bridge", false);
    await sleep(2_500);
    at.resetSignal();
    await eventually(() => expect(heard.changes).toEqual(LOST_AND_BACK));
    const publish = () => room.publishTrack("speaker", MONO, createToneSource(440));
    await expect(publish()).rejects.toMatchObject({ code: "not_allowed" });
    await at.setCanPublish(name, "bridge", true);
    await eventually(async () => (await publish()).close());
  });

  test("the server dies and comes back: so does the room, with its tracks", { timeout: 60_000 }, async () => {
    const at = await startServer();
    const name = stage().freshRoom();
    const { room, heard } = await stage().connect("bridge", name, { at });
    const source = createToneSource(300);
    source.play(60_000);
    await room.publishTrack("speaker", MONO, source);
    await at.kill();
    await eventually(() => expect(heard.changes).toEqual(["reconnecting"]));
    await at.restart();
    await eventually(() => expect(heard.changes).toEqual(LOST_AND_BACK), RESTART_MAX_MS);
    const phone = await stage().join("phone", name, at);
    await phone.publishData(bytes(1));
    await eventually(() => expect(heard.packets).toHaveLength(1));
    const sound = analyse(laterThan(await phone.hear("speaker", 800), 200));
    expect(Math.abs(sound.frequencyHz - 300)).toBeLessThan(6);
    expect(stage().harness.engine.counts()).toEqual({ rooms: 1, connecting: 0, tracks: 1 });
    expect(heard.ended).toEqual([]);
  });

  test(
    "the server comes back and takes our token no more: it ends, and nothing is left",
    { timeout: 60_000 },
    async () => {
      const at = await startServer();
      const { room, heard } = await stage().connect("bridge", stage().freshRoom(), { at });
      await room.publishTrack("speaker", MONO, createToneSource(300));
      await at.kill();
      await at.restart({ hasOtherKeys: true });
      await eventually(() => expect(heard.ended).toEqual(["connection_lost"]), RESTART_MAX_MS);
      expect(stage().harness.engine.counts()).toEqual({ rooms: 0, connecting: 0, tracks: 0 });
    },
  );

  test("closing what is being regained is closing: nothing is left, and nothing is told any more", async () => {
    const at = await startServer();
    const { room, heard } = await stage().connect("bridge", stage().freshRoom(), { at });
    await at.kill();
    await eventually(() => expect(heard.changes).toEqual(["reconnecting"]));
    const startMs = performance.now();
    await room.close();
    expect(performance.now() - startMs).toBeLessThan(6_000);
    expect(stage().harness.engine.counts()).toEqual({ rooms: 0, connecting: 0, tracks: 0 });
    const { calls } = heard;
    await at.restart();
    await sleep(1_500);
    expect(heard.calls).toBe(calls);
  });
}
