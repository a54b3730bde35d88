import { describe, expect, it } from "vitest";
import { createManagerScene, KEYS } from "./manager-scene.js";

describe("the glasses come back", () => {
  it("to a bridge that is in the room: it is asked, and kept", async () => {
    const scene = createManagerScene();
    await scene.joined();
    await scene.during(200, () => scene.manager.handleLiveKitInit());
    expect(scene.client.joins).toHaveLength(1);
    expect(scene.client.statusCalls).toBe(1);
    expect(decisions(scene.lines)).toEqual(["reconnect_detected", "bridge_status", "decision: keep-alive"]);
    expect(scene.messages()).toContain("Bridge status fetched");
  });

  it("to a bridge that is not in the room although the stream is up: it joins anew, with a fresh token", async () => {
    const scene = createManagerScene({ client: { status: { connected: false } } });
    await scene.joined();
    await scene.during(200, () => scene.manager.handleLiveKitInit());
    expect(decisions(scene.lines).slice(-4)).toEqual([
      "reconnect_detected",
      "bridge_status",
      "decision: rejoin",
      "rejoin_result",
    ]);
    expect(scene.messages()).toContain("Bridge rejoined");
    const tokens = scene.client.joins.map(({ params }) => (params as { token: string }).token);
    expect(new Set(tokens).size).toBe(2);
  });

  it("to a client that waits out its backoff: it tries at once", async () => {
    const scene = createManagerScene();
    await scene.joined();
    scene.client.lose();
    await scene.during(200, () => scene.manager.handleLiveKitInit());
    expect(scene.client.isConnected()).toBe(true);
    expect(scene.client.statusCalls).toBe(0);
  });

  it("to a client that joins at this moment: that join is theirs", async () => {
    const scene = createManagerScene();
    await scene.joined();
    scene.client.lose();
    void scene.client.retry();
    await scene.during(200, () => scene.manager.handleLiveKitInit());
    expect(scene.client.joins).toHaveLength(1);
    expect(scene.client.isConnected()).toBe(true);
    expect(decisions(scene.lines)).toEqual(["reconnect_detected", "decision: keep-alive"]);
  });

  it("to a bridge that answers no status within 1 s: fresh audio keeps it, silence does not", async () => {
    const scene = createManagerScene({ client: { statusHangs: true } });
    await scene.joined();
    scene.client.hear();
    await scene.during(1_000, () => scene.manager.handleLiveKitInit());
    expect(scene.client.joins).toHaveLength(1);
    await scene.clock.advance(5_000);
    await scene.during(1_200, () => scene.manager.handleLiveKitInit());
    expect(scene.client.joins).toHaveLength(2);
  });

  it.each([
    ["rejoins when no audio ever came", undefined, 2],
    ["rejoins when the last audio is 5 s old", 5_000, 2],
    ["keeps it when audio is fresh", 4_000, 1],
  ])("to an old bridge that says it is connected: %s", async (_, audioAgeMs, joins) => {
    const scene = createManagerScene({ client: { bridgeVersion: undefined, status: { connected: true } } });
    await scene.joined();
    if (audioAgeMs !== undefined) {
      scene.client.hear();
      await scene.clock.advance(audioAgeMs);
    }
    await scene.during(200, () => scene.manager.handleLiveKitInit());
    expect(scene.client.joins).toHaveLength(joins);
  });

  it("with LIVEKIT_RECONNECT_STATUS_CHECK=off: the bridge is not asked, and a stream that is up is kept", async () => {
    const env = { ...KEYS, LIVEKIT_RECONNECT_STATUS_CHECK: "off" };
    const scene = createManagerScene({ env, client: { status: { connected: false } } });
    await scene.joined();
    await scene.during(200, () => scene.manager.handleLiveKitInit());
    expect(scene.client.statusCalls).toBe(0);
    expect(scene.client.joins).toHaveLength(1);
  });
});

describe("a session that ended for good", () => {
  it.each(["duplicate_identity", "participant_removed", "replaced"])(
    "by %s is not rejoined by itself",
    async (reason) => {
      const scene = createManagerScene();
      scene.manager.onMicStateChange(true);
      await scene.clock.advance(3_000);
      scene.client.hear();
      scene.client.kick(reason);
      await scene.clock.advance(600_000);
      expect(scene.client.joins).toHaveLength(1);
      scene.manager.dispose();
    },
  );

  it.each([
    ["the glasses' handshake", (scene: Scene) => scene.manager.handleLiveKitInit()],
    ["the microphone going on", async (scene: Scene) => scene.manager.onMicStateChange(true)],
    ["ensureBridgeConnected", (scene: Scene) => scene.manager.ensureBridgeConnected()],
    ["rejoinBridge", (scene: Scene) => scene.manager.rejoinBridge()],
  ])("is rejoined by %s", async (_, act) => {
    const scene = createManagerScene();
    await scene.joined();
    scene.client.kick("duplicate_identity");
    await scene.during(200, async () => void (await act(scene)));
    expect(scene.client.isConnected()).toBe(true);
    scene.manager.dispose();
  });
});

describe("rejoinBridge", () => {
  it("joins anew though the bridge says it is connected, and logs it", async () => {
    const scene = createManagerScene();
    await scene.joined();
    await scene.during(200, () => scene.manager.rejoinBridge());
    expect(scene.client.joins.map(({ kind }) => kind)).toEqual(["keepConnected", "rejoin"]);
    expect(scene.lines.find(({ message }) => message === "Bridge rejoined")).toMatchObject({
      connected: true,
      trigger: "rejoin_bridge",
      participant_id: "cloud-agent:alice",
      participant_count: 2,
    });
  });

  it("never rejects: not for a refusal, not without keys, not when a token cannot be minted", async () => {
    const refused = createManagerScene({ client: { failure: "no room" } });
    await refused.during(200, () => refused.manager.rejoinBridge());
    await createManagerScene({ env: {} }).manager.rejoinBridge();
    const tokens = { getUrl: () => "wss://x", mintAccessTokenAsync: () => Promise.reject(new Error("no signer")) };
    const unsigned = createManagerScene({ options: { tokens } });
    await unsigned.manager.rejoinBridge();
    expect(unsigned.lines.at(-1)).toMatchObject({ message: "Bridge join not possible", error: "no signer" });
  });

  it("gives up waiting for a token after 5 s, and the next trigger tries again", async () => {
    const tokens = { getUrl: () => "wss://x", mintAccessTokenAsync: () => new Promise<string>(() => {}) };
    const scene = createManagerScene({ options: { tokens } });
    await scene.during(5_000, () => scene.manager.rejoinBridge());
    await scene.during(5_000, () => scene.manager.rejoinBridge());
    expect(scene.messages()).toEqual(["Bridge join not possible", "Bridge join not possible"]);
    expect(scene.clock.pending).toBe(0);
  });

  it("gives up waiting for a join that never ends, and the next trigger tries again", async () => {
    const scene = createManagerScene({ client: { hangs: true } });
    await scene.during(40_000, () => scene.manager.rejoinBridge());
    expect(scene.messages()).toContain("Bridge not joined");
    expect(scene.clock.pending).toBe(0);
  });
});

describe("the bridge's status", () => {
  it("is logged when it changes, not with every question", async () => {
    const scene = createManagerScene();
    await scene.joined();
    for (let count = 0; count < 10; count++) await scene.manager.getBridgeStatus();
    scene.client.kick("replaced");
    for (let count = 0; count < 10; count++) await scene.manager.getBridgeStatus();
    const logged = scene.lines.filter(({ message }) => message === "Bridge status fetched");
    expect(logged.map(({ connected }) => connected)).toEqual([true, false]);
  });

  it("is `rpc_error` when none comes within 1 s", async () => {
    const scene = createManagerScene({ client: { statusHangs: true } });
    await scene.joined();
    const status = await scene.during(1_000, () => scene.manager.getBridgeStatus());
    expect(status).toMatchObject({ connected: false, last_disconnect_reason: "rpc_error" });
  });
});

type Scene = ReturnType<typeof createManagerScene>;

function decisions(lines: Scene["lines"]): string[] {
  return lines.flatMap(({ event, action }) => {
    if (typeof event !== "string") return [];
    return [typeof action === "string" ? `${event}: ${action}` : event];
  });
}
