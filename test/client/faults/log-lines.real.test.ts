// Every line can be found by its user and its feature, a state is logged when it changes, and a session in which nothing
// happens logs nothing.

import { describe, expect, test } from "vitest";
import type { LiveKitGrpcClientOptions } from "../../../src/client/cloud/livekit-grpc-client.js";
import { LiveKitGrpcClient } from "../../../src/client/cloud/livekit-grpc-client.js";
import type { ClientLimits } from "../../../src/client/limits.js";
import { eventually } from "../../support/eventually.js";
import { createScene, QUICK } from "../suite/scene.js";

const scene = createScene({ kind: "new" });
let users = 0;

function oldClient(limits: Partial<ClientLimits> = {}) {
  const userId = `logged-${(users += 1)}`;
  const from = scene.lines.length;
  const session = { userId, logger: scene.logger, audioManager: { processAudioData: () => {} } };
  const options: LiveKitGrpcClientOptions = { channels: scene.pool(), clock: scene.clock, env: {} };
  const own = { ...options, limits: { ...QUICK, ...limits } };
  const client = new LiveKitGrpcClient(session, scene.bridge.address, own);
  scene.after(() => client.client.dispose());
  const params = { url: "wss://livekit.example", roomName: userId, token: scene.token() };
  return { client, userId, params, lines: () => scene.lines.slice(from) };
}

test("every line of a client carries feature and userId, whatever it tells of", async () => {
  const { client, userId, params, lines } = oldClient();
  const broken = () => {
    throw new Error("broken");
  };
  client.sendAudioChunk(Buffer.alloc(320));
  await scene.bridge.once({ JoinRoom: { failure: "no room" } }, userId);
  await scene.failure(client.connect(params));
  client.client.on("streaming", broken);
  client.onPlayAudioEvent("one", broken);
  await client.connect(params);
  await client.playAudio({ requestId: "one", url: "https://sounds.example/a.mp3" });
  await scene.bridge.once({ StopAudio: { error: { code: "INTERNAL" } } }, userId);
  await client.stopAudio();
  await scene.bridge.cut(userId);
  await eventually("it is back", () => client.client.stats.joins === 2 && client.isConnected());
  await scene.bridge.once({ LeaveRoom: { error: { code: "INTERNAL" } } }, userId);
  await client.disconnect();
  await client.connect(params);
  await scene.bridge.endStream(userId, { reason: "replaced" });
  const wanted = [
    "A listener failed",
    "A playback handler failed",
    "Attempting to reconnect after stream error",
    "Audio stream ended",
    "Audio stream error",
    "Connection failed",
    "Connection state",
    "Dropping uplink audio",
    "JoinRoom returned failure",
    "Joined LiveKit room",
    "LeaveRoom failed",
    "LiveKit gRPC status",
    "StopAudio failed",
  ];
  const messages = () => new Set(lines().map(({ message }) => message));
  await eventually("all has been logged", () => wanted.every((message) => messages().has(message)));
  const unnamed = lines().filter(({ fields }) => fields["feature"] !== "livekit-grpc" || fields["userId"] !== userId);
  expect(unnamed.map(({ message }) => message)).toEqual([]);
});

test("the status is logged when the stream comes up and when it goes down, with the bridge's address", async () => {
  const { client, userId, params, lines } = oldClient();
  await client.connect(params);
  await client.disconnect();
  const own = { feature: "livekit-grpc", userId, grpcUrl: scene.bridge.address };
  expect(
    lines().flatMap(({ level, message, fields }) => (message === "LiveKit gRPC status" ? [{ level, fields }] : [])),
  ).toEqual([
    { level: "info", fields: { ...own, isConnected: true, connected: true } },
    { level: "info", fields: { ...own, isConnected: false, connected: false } },
  ]);
});

describe("a session in which nothing changes", () => {
  test("logs nothing, however many heartbeats it sends and packets it hears", async () => {
    const { client, userId, params, lines } = oldClient({ heartbeatIntervalMs: 20 });
    await client.connect(params);
    const before = lines().length;
    await scene.bridge.send(
      userId,
      Array.from({ length: 200 }, () => 640),
    );
    const isOld = async () => (await scene.bridge.received(userId)).totals.heartbeats >= 40;
    await eventually("it is old", isOld);
    expect(client.client.stats.chunksReceived).toBe(200);
    expect(lines().slice(before)).toEqual([]);
  });
});
