// A stream that cannot even be opened ends the attempt it belongs to, and nothing else: nobody stays "connecting" for ever.

import { describe, expect, test } from "vitest";
import { LiveKitGrpcClient } from "../../../src/client/cloud/livekit-grpc-client.js";
import { LiveKitManager } from "../../../src/client/cloud/livekit-manager.js";
import type { ChannelPool } from "../../../src/client/wire/channel-pool.js";
import { eventually } from "../../support/eventually.js";
import { KEYS } from "../manager-scene.js";
import { createScene, QUICK } from "../suite/scene.js";
import { interceptStreams } from "./intercept-streams.js";

const scene = createScene({ kind: "new" });

/** Connections on which opening a stream throws, as often as `broken.times` says. */
function brokenChannels(times: number): { readonly channels: ChannelPool; readonly broken: { times: number } } {
  const channels = scene.pool();
  const broken = { times };
  interceptStreams(channels, (open) => {
    if (broken.times === 0) return open();
    broken.times -= 1;
    throw new TypeError("the stream cannot be opened");
  });
  return { channels, broken };
}

describe("a stream whose opening throws", () => {
  test("rejects the connect that asked for it, and the next connect joins", async () => {
    const { client } = scene.user({ channels: brokenChannels(1).channels });
    const error = await scene.failure(client.connect({ retry: false }));
    expect([error.code, error.message, client.state]).toEqual(["internal", "the stream cannot be opened", "idle"]);
    await client.connect({ retry: false });
    expect(client.state).toBe("streaming");
  });

  test("is a failed try of a connection that is come back to", async () => {
    const { channels, broken } = brokenChannels(0);
    const user = scene.user({ channels });
    await user.client.connect();
    broken.times = 3;
    await scene.bridge.cut(user.userId);
    await eventually("it streams again", () => user.client.state === "streaming" && broken.times === 0);
    expect(user.failures.map(({ error }) => error.code)).toEqual(["unavailable", "internal", "internal", "internal"]);
  });

  test("does not keep the manager from joining", async () => {
    const user = { userId: "managed", logger: scene.logger, audioManager: { processAudioData: () => {} } };
    const manager = new LiveKitManager(user, {
      bridgeUrl: scene.bridge.address,
      env: KEYS,
      clock: scene.clock,
      client: { channels: brokenChannels(2).channels, limits: QUICK },
    });
    scene.after(() => manager.dispose());
    await manager.handleLiveKitInit();
    await eventually("it is connected", () => manager.ensureBridgeConnected());
    expect((await scene.bridge.counts()).streamsByUser["managed"]).toBe(1);
  });
});

test("a second connect of the old name resolves no sooner than the bridge has accepted the stream", async () => {
  const session = { userId: "twice", logger: scene.logger, audioManager: { processAudioData: () => {} } };
  const options = { channels: scene.pool(), clock: scene.clock, limits: QUICK, env: {} };
  const client = new LiveKitGrpcClient(session, scene.bridge.address, options);
  scene.after(() => client.client.dispose());
  await scene.bridge.set({ StreamAudio: { headers: "with-first-chunk" } }, "twice");
  const params = { url: "wss://livekit.example", roomName: "twice", token: scene.token() };
  const resolved: string[] = [];
  const first = client.connect(params).then(() => resolved.push("first"));
  const second = client.connect(params).then(() => resolved.push("second"));
  await eventually("the stream is open", async () => (await scene.bridge.counts()).streams === 1);
  expect(resolved).toEqual([]);
  await scene.bridge.send("twice", [640]);
  await Promise.all([first, second]);
  expect(resolved.toSorted()).toEqual(["first", "second"]);
});
