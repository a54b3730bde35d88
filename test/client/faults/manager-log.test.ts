// What the manager logs, with a logger of any kind: each line names feature, user and room, and only what changes is logged.

import { expect, test } from "vitest";
import { AudioManager } from "../../../src/client/cloud/audio-manager.js";
import type { ClientLogger } from "../../../src/client/log.js";
import { createManagerScene, createRecordingLogger } from "../manager-scene.js";

const OWN = { feature: "livekit-grpc", userId: "alice", roomName: "alice" };

/** As pino's: children write into the same lines, with their fields in each. */
function loggerWithChildren() {
  const { logger, lines } = createRecordingLogger();
  const childOf = (bound: object): ClientLogger => {
    const at = (level: "debug" | "info" | "warn" | "error") => (fields: object, message: string) =>
      logger[level]({ ...bound, ...fields }, message);
    const own = { trace: logger.trace, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
    return { ...own, child: (fields) => childOf({ ...bound, ...fields }) };
  };
  return { logger: childOf({}), lines };
}

test.each([
  ["that makes children, as pino's", loggerWithChildren],
  ["that makes none", createRecordingLogger],
])("with a logger %s, every line carries feature, userId and roomName", async (_, create) => {
  const { logger, lines } = create();
  const broken = () => {
    throw new Error("broken");
  };
  const scene = createManagerScene({ user: { logger, onAudioUnavailable: broken } });
  await scene.joined();
  await scene.during(200, () => scene.manager.handleLiveKitInit());
  await scene.clock.advance(3_000);
  scene.client.kick("replaced");
  scene.client.settings.failure = "no room";
  await scene.during(3_000, () => scene.manager.rejoinBridge());
  void scene.manager.rejoinBridge();
  void scene.manager.rejoinBridge();
  await scene.clock.advance(3_000);
  scene.manager.dispose();
  const messages = new Set(lines.map(({ message }) => message));
  for (const message of ["Reconnect detected", "Bridge not joined", "A listener failed", "Audio unavailable"]) {
    expect(messages).toContain(message);
  }
  const unnamed = lines.filter((line) => Object.entries(OWN).some(([name, value]) => line[name] !== value));
  expect(unnamed.map(({ message }) => message)).toEqual([]);
});

test.each([
  ["that makes children, as pino's", loggerWithChildren],
  ["that makes none", createRecordingLogger],
])("with a logger %s, every line of the audio manager carries feature and userId", (_, create) => {
  const { logger, lines } = create();
  const manager = new AudioManager({
    userId: "alice",
    logger,
    transcribe: () => {},
    env: { LIVEKIT_PCM_ENDIAN: "swap" },
  });
  for (let sent = 0; sent < 100; sent += 1) manager.processAudioData(Buffer.alloc(640));
  manager.dispose();
  const named = { feature: "livekit-grpc", userId: "alice" };
  expect(lines.length).toBeGreaterThan(2);
  expect(lines).toEqual(lines.map(() => expect.objectContaining(named) as object));
});

test("an hour in which the microphone is heard and nothing changes is an hour without a line", async () => {
  const scene = createManagerScene();
  scene.manager.onMicStateChange(true);
  await scene.clock.advance(3_000);
  await scene.manager.getBridgeStatus();
  const before = scene.lines.length;
  for (let seconds = 0; seconds < 3_600; seconds += 1) {
    scene.client.hear();
    await scene.clock.advance(1_000);
    if (seconds % 10 === 0) await scene.manager.getBridgeStatus();
  }
  expect(scene.lines.slice(before)).toEqual([]);
  scene.manager.dispose();
});
