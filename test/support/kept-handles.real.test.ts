import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRtcNodeEngine } from "../../src/livekit/rtc-node/engine.js";
import type { RoomEngine } from "../../src/livekit/room.js";
import { systemClock } from "../../src/time.js";
import { requireLiveKitServer, startLiveKitServer } from "./livekit-server.js";
import type { LiveKitServer } from "./livekit-server.js";
import { joinRtcParticipant } from "./rtc-participant.js";

describe.skipIf(!requireLiveKitServer())("a phone of the tests", () => {
  let server: LiveKitServer;
  let engine: RoomEngine;
  beforeAll(async () => {
    server = await startLiveKitServer();
    const silent = { debug() {}, info() {}, warn() {}, error() {} };
    engine = createRtcNodeEngine({ clock: systemClock, logger: silent });
  });
  afterAll(async () => {
    await server.stop();
  });

  test("that was put out leaves no native handle to the garbage collector, which would throw from nowhere", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const thrown: unknown[] = [];
    const onThrown = (error: unknown) => thrown.push(error);
    process.on("uncaughtException", onThrown);
    await playOneEvening();
    await engine.dispose();
    for (let i = 0; i < 10; i += 1) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    process.off("uncaughtException", onThrown);
    expect(thrown).toEqual([]);
  });

  /** In a function of its own, so that nothing of it is held by a variable. */
  async function playOneEvening(): Promise<void> {
    const other = await joinRtcParticipant(server.url, await server.token("other", "evening"));
    for (let i = 0; i < 5; i += 1) {
      await joinRtcParticipant(server.url, await server.token("phone", "evening"));
    }
    await server.roomService.deleteRoom("evening");
    await new Promise((resolve) => setTimeout(resolve, 500));
    await other.leave();
  }
});
