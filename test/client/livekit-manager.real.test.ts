// The manager with its own client and tokens against a bridge in a process of its own.

import { afterEach, describe, expect, it } from "vitest";
import { LiveKitManager } from "../../src/client/cloud/livekit-manager.js";
import type { LiveKitManagerOptions } from "../../src/client/cloud/manager-options.js";
import { SpeakerManager } from "../../src/client/cloud/speaker-manager.js";
import { createChannelPool } from "../../src/client/wire/channel-pool.js";
import { eventually } from "../support/eventually.js";
import { createRecordingLogger, KEYS } from "./manager-scene.js";
import type { StandIn, StandInOptions } from "./stand-in/stand-in.js";
import { startStandIn, stopStandIns } from "./stand-in/stand-in.js";

const disposals: (() => void)[] = [];

afterEach(async () => {
  for (const dispose of disposals.splice(0)) dispose();
  await stopStandIns();
});

describe("the manager and a bridge", () => {
  it("answers the handshake joined, hears the microphone, and keeps a healthy bridge when the glasses come back", async () => {
    const { bridge, manager, heard, messages } = await createPair();
    const init = await manager.handleLiveKitInit();
    expect(init).toMatchObject({ url: "wss://livekit.example", roomName: "alice" });
    expect(manager.getBridgeClient()?.isConnected()).toBe(true);
    await bridge.send("alice", [640, 640]);
    await eventually("audio", () => heard.bytes === 1_280);
    await manager.handleLiveKitInit();
    expect(await bridge.calls("JoinRoom")).toHaveLength(1);
    expect(await bridge.calls("GetStatus")).toHaveLength(0);
    await afterWindow();
    await manager.handleLiveKitInit();
    expect(await bridge.calls("JoinRoom")).toHaveLength(1);
    expect(await bridge.calls("GetStatus")).toHaveLength(1);
    expect(messages()).toEqual(
      expect.arrayContaining(["Joined LiveKit room", "LiveKit gRPC status", "Bridge status fetched"]),
    );
    expect(messages()).not.toContain("Bridge rejoined");
  });

  it("joins as the bridge, for the user's microphone, each time with a fresh token", async () => {
    const { bridge, manager, messages } = await createPair();
    await manager.handleLiveKitInit();
    await afterWindow();
    await manager.rejoinBridge();
    expect(messages()).toContain("Bridge rejoined");
    const requests = (await bridge.calls("JoinRoom")).map(({ request }) => request);
    expect(requests).toHaveLength(2);
    for (const request of requests) {
      expect(request).toMatchObject({
        room_name: "alice",
        target_identity: "alice",
        livekit_url: "wss://livekit.example",
      });
      expect(subjectOf(request["token"])).toBe("cloud-agent:alice");
    }
    expect(new Set(requests.map(({ token }) => token)).size).toBe(2);
    expect((await bridge.counts()).streamsByUser).toEqual({ alice: 1 });
  });

  it("makes one join of 20 triggers in a second", async () => {
    const { bridge, manager } = await createPair();
    for (let count = 0; count < 20; count++) {
      void (count % 2 === 0 ? manager.rejoinBridge() : manager.handleLiveKitInit());
      await wait(50);
    }
    await wait(1_500);
    expect(await bridge.calls("JoinRoom")).toHaveLength(1);
    expect(manager.getBridgeClient()?.isConnected()).toBe(true);
  });

  it("answers the handshake without a bridge, and joins it by itself when it comes", async () => {
    const { bridge, manager, notices } = await createPair({ limits: { audioUnavailableAfterMs: 300 } });
    await bridge.kill();
    const startMs = performance.now();
    expect(await manager.handleLiveKitInit()).toMatchObject({ roomName: "alice" });
    expect(performance.now() - startMs).toBeLessThan(3_000);
    await eventually("the notice", () => notices.length === 1);
    await bridge.restart();
    await eventually("the join", () => manager.getBridgeClient()?.isConnected() === true, 20_000);
    expect(notices).toEqual(["unavailable: bridge_unreachable", "available"]);
  });

  it("answers the handshake within 2 s when the bridge hangs, and the join goes on", async () => {
    const { bridge, manager } = await createPair();
    await bridge.once({ JoinRoom: { delayMs: 3_500 } });
    const startMs = performance.now();
    expect(await manager.handleLiveKitInit()).toMatchObject({ roomName: "alice" });
    expect(performance.now() - startMs).toBeLessThan(3_000);
    expect(manager.getBridgeClient()?.isConnected()).toBe(false);
    await eventually("the join", () => manager.getBridgeClient()?.isConnected() === true, 10_000);
    expect(await bridge.calls("JoinRoom")).toHaveLength(1);
  });

  it("stays out after a kick, tells it, and joins again with the next handshake", async () => {
    const { bridge, manager, notices } = await createPair();
    await manager.handleLiveKitInit();
    await afterWindow();
    await bridge.endStream("alice", { reason: "duplicate_identity" });
    await eventually("the notice", () => notices.length === 1);
    await wait(3_000);
    expect(await bridge.calls("JoinRoom")).toHaveLength(1);
    await manager.handleLiveKitInit();
    expect(await bridge.calls("JoinRoom")).toHaveLength(2);
    expect(notices).toEqual(["unavailable: session_ended", "available"]);
  });

  it("does not believe an old bridge that says it is connected, unless audio is fresh", async () => {
    const { bridge, manager, heard } = await createPair({}, { kind: "old" });
    await manager.handleLiveKitInit();
    await bridge.send("alice", [640]);
    await eventually("audio", () => heard.bytes === 640);
    await afterWindow();
    await manager.handleLiveKitInit();
    expect(await bridge.calls("JoinRoom")).toHaveLength(1);
    await wait(5_100);
    await manager.handleLiveKitInit();
    expect(await bridge.calls("JoinRoom")).toHaveLength(2);
    expect(await bridge.calls("GetStatus")).toHaveLength(2);
  });

  it("leaves nothing at the bridge when it is disposed while the join is under way", async () => {
    const { bridge, manager } = await createPair();
    await bridge.once({ JoinRoom: { delayMs: 500 } });
    const init = manager.handleLiveKitInit();
    await eventually("the join's arrival", async () => (await bridge.calls("JoinRoom")).length === 1);
    manager.dispose();
    await init;
    await eventually("nothing is left", async () => {
      const { streams, sessions, connections } = await bridge.counts();
      return streams === 0 && sessions === 0 && connections === 0;
    });
    await wait(1_000);
    expect(await bridge.calls("JoinRoom")).toHaveLength(1);
    expect((await bridge.counts()).sessions).toBe(0);
  });
});

describe("the speaker and a bridge", () => {
  it("plays a URL with each event once, and PCM whole", async () => {
    const { bridge, speaker, events } = await createPair();
    await speaker.start({ requestId: "a", url: "https://example.org/a.mp3", trackId: 2 });
    await eventually("the end", () => speaker.playing.length === 0);
    expect(events).toEqual(["a STARTED", "a PROGRESS", "a PROGRESS", "a COMPLETED"]);
    await speaker.start({ requestId: "b", pcm: new Uint8Array(9_600), trackId: 1 });
    await eventually("the end", () => speaker.playing.length === 0);
    expect(events.slice(4)).toEqual(["b STARTED", "b COMPLETED"]);
    await eventually("the PCM", async () => (await bridge.received("alice")).totals.bytesByTrack["1"] === 9_600);
  });

  it("stops what is named, and hears its end", async () => {
    const { bridge, speaker, events } = await createPair();
    await bridge.set({ PlayAudio: { script: [{ event: { type: "STARTED" } }, { hangs: true }] } });
    await speaker.start({ requestId: "a", url: "https://example.org/a.mp3" });
    await speaker.start({ requestId: "b", url: "https://example.org/b.mp3", trackId: 2 });
    await eventually("both have started", () => events.length === 2);
    await speaker.stop("a");
    await eventually("the end of one", () => speaker.playing.length === 1);
    const stops = (await bridge.calls("StopAudio")).map(({ request }) => request["request_id"]);
    expect(stops).toEqual(["a"]);
    expect(events.slice(2)).toEqual(["a FAILED"]);
    expect(speaker.playing).toEqual(["b"]);
  });
});

async function createPair(options: Partial<LiveKitManagerOptions> = {}, standIn: StandInOptions = { kind: "new" }) {
  const bridge: StandIn = await startStandIn(standIn);
  const { logger, lines } = createRecordingLogger();
  const heard = { bytes: 0 };
  const notices: string[] = [];
  const events: string[] = [];
  const user = {
    userId: "alice",
    logger,
    audioManager: { processAudioData: (pcm: Buffer) => void (heard.bytes += pcm.length) },
    onAudioUnavailable: ({ reason }: { reason: string }) => void notices.push(`unavailable: ${reason}`),
    onAudioAvailable: () => void notices.push("available"),
  };
  const manager = new LiveKitManager(user, {
    bridgeUrl: bridge.address,
    env: KEYS,
    client: { channels: createChannelPool(), random: () => 0.5 },
    ...options,
  });
  const speaker = new SpeakerManager(
    { ...user, liveKitManager: manager },
    { onEvent: ({ requestId, type }) => events.push(`${requestId} ${type}`) },
  );
  disposals.push(() => {
    speaker.dispose();
    manager.dispose();
  });
  return { bridge, manager, speaker, heard, notices, events, messages: () => lines.map(({ message }) => message) };
}

function subjectOf(token: unknown): unknown {
  const [, payload = ""] = String(token).split(".");
  return (JSON.parse(Buffer.from(payload, "base64url").toString()) as { sub?: unknown }).sub;
}

/** Longer than the window after a join. */
function afterWindow(): Promise<void> {
  return wait(2_100);
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
