// Servers that hang, freeze, die and come back, and the end of the native part itself.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Room } from "../../src/livekit/room.js";
import { requireLiveKitServer, startLiveKitServer } from "../support/livekit-server.js";
import { frequencyOf, tone } from "../support/tone.js";
import { blackHole, MONO, NOTHING_LEFT, play, setUpStage, SILENCE, sleep, until } from "./rtc-node-stage.js";

describe.skipIf(requireLiveKitServer() === undefined)("the rtc-node engine when things break", () => {
  const stage = setUpStage();

  describe("facing a server that accepts and says nothing", () => {
    test("a join that is given up rejects as aborted once the native connect is over, and nothing is left", async () => {
      const url = await blackHole();
      const giveUp = new AbortController();
      setTimeout(() => giveUp.abort(), 100);
      const startMs = performance.now();
      await expect(stage.connect("any", { url, signal: giveUp.signal })).rejects.toMatchObject({ code: "aborted" });
      const tookMs = performance.now() - startMs;
      console.info(`black hole: native connect over after ${tookMs.toFixed(0)} ms`);
      expect(tookMs).toBeLessThan(15_000);
      expect(stage.engine.counts()).toEqual(NOTHING_LEFT);
    });

    test("a join that is not given up ends as timeout or unreachable, and ten of them delay no bystander", async () => {
      const url = await blackHole();
      const holes = Array.from({ length: 10 }, () => stage.connect("any", { url }).catch((error: unknown) => error));
      await sleep(50);
      const startMs = performance.now();
      const { room } = await stage.connect(stage.freshRoom());
      expect(performance.now() - startMs).toBeLessThan(1000);
      await room.close();
      for (const failure of await Promise.all(holes))
        expect(failure).toMatchObject({ code: expect.stringMatching(/^(timeout|unreachable)$/) });
      expect(stage.engine.counts()).toEqual(NOTHING_LEFT);
    });
  });

  describe("when the server stands still", () => {
    test("leaving is bounded, and publishing times out and is taken back when the server wakes", async () => {
      const frozen = await startLiveKitServer();
      const impatient = await stage.createEngine({ roomCloseTimeoutMs: 1000, publishTimeoutMs: 500 });
      onTestFinished(async () => {
        frozen.thaw();
        await impatient.dispose();
        await frozen.stop();
      });
      const join = async (name: string): Promise<Room> =>
        (await stage.connect(name, { engine: impatient, url: frozen.url })).room;
      const [left, kept] = [await join("left"), await join("kept")];
      frozen.freeze();
      await expect(kept.publishTrack("speaker", MONO, SILENCE)).rejects.toMatchObject({ code: "timeout" });
      const startMs = performance.now();
      await left.close();
      const tookMs = performance.now() - startMs;
      console.info(`leaving a frozen server: ${tookMs.toFixed(0)} ms`);
      expect(tookMs).toBeLessThan(1500);
      expect(impatient.counts()).toEqual({ rooms: 1, connecting: 0, tracks: 0 });
      frozen.thaw();
      await until(async () => {
        const participants = await frozen.roomService.listParticipants("kept");
        return participants.some((one) => one.identity === "bridge" && one.tracks.length === 0);
      });
      await kept.close();
    });
  });

  test("a server that dies and comes back: reconnecting, reconnected, and data and tracks go on", async () => {
    const first = await startLiveKitServer();
    const { room, heard } = await stage.connect("phoenix", { url: first.url });
    const clip = play(tone({ frequencyHz: 300, durationMs: 60_000 }));
    await room.publishTrack("speaker", MONO, clip);
    await first.kill();
    await until(() => heard.calls.includes("reconnecting"));
    const second = await startLiveKitServer({ ports: first.ports });
    onTestFinished(() => second.stop());
    await until(() => heard.calls.includes("reconnected"), 20_000);
    const phone = await stage.joinPhone("phoenix", second);
    await phone.publishData(Uint8Array.of(1));
    await until(() => heard.packets.length === 1);
    const sound = await phone.hear("speaker", 600);
    expect(frequencyOf(sound.subarray(48 * 200))).toBeCloseTo(300, -1);
    await room.close();
    expect(heard.ended).toEqual([]);
  }, 60_000);

  test("a reconnect from scratch is told as such, not as everybody's leaving; a track closed meanwhile is taken down after", async () => {
    const name = stage.freshRoom();
    const phone = await stage.joinPhone(name);
    let roomHandle = 0n;
    const addRoom = stage.client.addRoom.bind(stage.client);
    stage.client.addRoom = (handle, handler) => {
      roomHandle = handle;
      addRoom(handle, handler);
    };
    const { room, heard } = await stage.connect(name);
    Reflect.deleteProperty(stage.client, "addRoom");
    await until(() => room.remoteIdentities.includes("phone"));
    const track = await room.publishTrack("speaker", MONO, SILENCE);
    await until(() => phone.trackNames.includes("speaker"));
    const { SimulateScenarioKind } = await import("@livekit/rtc-ffi-bindings");
    const scenario = SimulateScenarioKind.SIMULATE_FULL_RECONNECT;
    stage.client.request({ message: { case: "simulateScenario", value: { roomHandle, scenario } } });
    await until(() => heard.calls.includes("reconnecting"));
    const closing = track.close();
    expect(room.remoteIdentities).toEqual(["phone"]);
    await closing;
    await until(() => heard.calls.includes("reconnected"));
    await until(() => stage.engine.counts().tracks === 0 && phone.trackNames.length === 0);
    expect(heard.calls.filter((call) => !call.startsWith("re"))).toEqual(
      heard.calls.includes("joined phone") ? ["joined phone"] : [],
    );
  });

  test("a panic of the native library is reported and logged", async () => {
    const { FfiEvent } = await import("@livekit/rtc-ffi-bindings");
    stage.client.receive(new FfiEvent({ message: { case: "panic", value: { message: "a test" } } }).toBinary());
    expect(stage.panics).toEqual(["a test"]);
    expect(stage.logged).toContain("native panic");
  });

  test("a second engine shares the native part, and its end does not touch the first", async () => {
    const second = await stage.createEngine();
    const { room } = await stage.connect(stage.freshRoom(), { engine: second });
    await second.dispose();
    await second.dispose();
    await expect(room.publishTrack("x", MONO, SILENCE)).rejects.toMatchObject({ code: "room_ended" });
    await expect(stage.connect(stage.freshRoom(), { engine: second })).rejects.toMatchObject({ code: "aborted" });
    const { room: other } = await stage.connect(stage.freshRoom());
    expect(other.participantCount).toBe(1);
  });

  test("a process whose engine is disposed ends by itself", async () => {
    const engineUrl = new URL("../../src/livekit/rtc-node/engine.ts", import.meta.url).href;
    const timeUrl = new URL("../../src/time.ts", import.meta.url).href;
    const code = `
      const { createRtcNodeEngine } = await import(${JSON.stringify(engineUrl)});
      const { systemClock } = await import(${JSON.stringify(timeUrl)});
      const log = () => undefined;
      const logger = { debug: log, info: log, warn: log, error: log };
      const engine = createRtcNodeEngine({ clock: systemClock, logger });
      const request = { url: process.argv[1], token: process.argv[2], signal: new AbortController().signal };
      const deaf = { packet: log, participantJoined: log, participantLeft: log, reconnecting: log, reconnected: log, ended: log };
      const room = await engine.connect(request, deaf);
      await engine.dispose();
      console.log(room.localIdentity);`;
    const args = [
      "--import",
      "tsx",
      "--input-type=module",
      "-e",
      code,
      stage.server.url,
      await stage.server.token("child", "exit"),
    ];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { timeout: 15_000 });
    expect(stdout.trim()).toBe("child");
    expect(stderr).not.toContain("ERROR");
  });
});
