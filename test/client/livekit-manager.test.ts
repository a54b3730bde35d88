import { describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.js";
import { createManagerScene, KEYS } from "./manager-scene.js";

describe("the handshake with the glasses", () => {
  it("gets url, room and a token of the phone's own", async () => {
    const { manager, during } = createManagerScene();
    const init = await during(200, () => manager.handleLiveKitInit());
    expect(init).toEqual({ url: "wss://livekit.example", roomName: "alice", token: "token 1 of alice" });
    expect(manager.getRoomName()).toBe("alice");
  });

  it("is answered as soon as the bridge has joined", async () => {
    const { manager, clock } = createManagerScene();
    let isAnswered = false;
    void manager.handleLiveKitInit().then(() => (isAnswered = true));
    await clock.advance(99);
    expect(isAnswered).toBe(false);
    await clock.advance(1);
    expect(isAnswered).toBe(true);
    expect(manager.getBridgeClient()?.isConnected()).toBe(true);
  });

  it("is answered all the same when the bridge refuses, and the client goes on trying", async () => {
    const { manager, during, client } = await sceneAfterInit({ failure: "failed to connect to room: refused" });
    expect(client.isConnecting()).toBe(true);
    const second = await during(200, () => manager.handleLiveKitInit());
    expect(second?.token).toBeTypeOf("string");
  });

  it("waits 2 s at most for a bridge that does not answer, and the join goes on", async () => {
    const { manager, clock, clients } = createManagerScene({ client: { joinMs: 7_000 } });
    let answered: unknown;
    void manager.handleLiveKitInit().then((init) => (answered = init));
    await clock.advance(1_999);
    expect(answered).toBeUndefined();
    await clock.advance(1);
    expect(answered).toMatchObject({ roomName: "alice" });
    await clock.advance(5_000);
    expect(clients[0]?.isConnected()).toBe(true);
    expect(clients[0]?.joins).toHaveLength(1);
  });

  it.each(["LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"])(
    "is answered with null without %s",
    async (name) => {
      const { manager, clients } = createManagerScene({ env: { ...KEYS, [name]: "" } });
      expect(await manager.handleLiveKitInit()).toBeNull();
      expect(clients).toHaveLength(0);
    },
  );

  it("rejects for a user who can have no token", async () => {
    const { manager } = createManagerScene({ user: { userId: "cloud-agent:alice" } });
    await expect(manager.handleLiveKitInit()).rejects.toThrow("userId must not begin with cloud-agent:");
  });
});

describe("tokens", () => {
  it("are null without keys, whoever they are for", async () => {
    const { manager } = createManagerScene({ env: { LIVEKIT_URL: "wss://livekit.example" } });
    expect(await mintAll(manager)).toEqual([null, null, null, null]);
  });

  it("name the phone and the bridge apart", async () => {
    const tokens = await mintAll(createManagerScene({ hasRealTokens: true }).manager);
    const identities = tokens.map((token) => payloadOf(token));
    expect(identities).toMatchObject([
      { sub: "alice", video: { room: "alice", canPublish: true, canSubscribe: false } },
      { sub: "alice", video: { room: "alice", canPublish: false, canSubscribe: true } },
      { sub: "cloud-agent:alice", video: { room: "alice", canPublish: false, canSubscribe: true } },
      { sub: "cloud-agent:alice", video: { room: "alice", canPublish: true, canSubscribe: true } },
    ]);
  });

  it("and keys are in no log line", async () => {
    const failure = "bad token eyJhbGciOi.eyJzdWIi.c2ln at wss://x?access_token=abc";
    const scene = createManagerScene({ hasRealTokens: true, client: { failure } });
    void scene.manager.handleLiveKitInit();
    await eventually("the refusal is logged", async () => {
      await scene.clock.advance(10);
      return scene.messages().includes("Bridge not joined");
    });
    const text = JSON.stringify(scene.lines);
    expect(text).toContain("bad token [token] at wss://x?access_token=[token]");
    expect(text).not.toMatch(/eyJ|secret-of|access_token=abc/);
  });
});

describe("the one client", () => {
  it("is kept across joins, kicks and rejoins", async () => {
    const scene = createManagerScene();
    await scene.joined();
    scene.client.kick("duplicate_identity");
    await scene.during(3_000, () => scene.manager.handleLiveKitInit());
    await scene.during(3_000, () => scene.manager.rejoinBridge());
    expect(scene.clients).toHaveLength(1);
    expect(scene.client.joins.map(({ kind }) => kind)).toEqual(["keepConnected", "keepConnected", "rejoin"]);
    expect(scene.manager.getBridgeClient()).toBe(scene.client);
  });

  it("is replaced only when the application has disposed it", async () => {
    const scene = createManagerScene();
    await scene.joined();
    scene.client.dispose();
    await scene.joined();
    expect(scene.clients).toHaveLength(2);
    expect(scene.clients[0]?.emitter.listenerCount).toBe(0);
  });

  it("joins with the bridge's token, for the user's microphone", async () => {
    const scene = createManagerScene();
    await scene.joined();
    const { url, roomName, targetIdentity, token } = (scene.client.joins[0]?.params ?? {}) as Record<string, string>;
    expect({ url, roomName, targetIdentity }).toEqual({
      url: "wss://livekit.example",
      roomName: "alice",
      targetIdentity: "alice",
    });
    expect(token).toBe("token 1 of cloud-agent:alice");
  });

  it("is heard by as many listeners after 100 rejoins as after one", async () => {
    const scene = createManagerScene();
    await scene.joined();
    const before = scene.client.emitter.listenerCount;
    for (let count = 0; count < 100; count++) await scene.during(2_000, () => scene.manager.rejoinBridge());
    expect(scene.client.joins).toHaveLength(101);
    expect(scene.client.emitter.listenerCount).toBe(before);
  });

  it("is null until a join is asked for", async () => {
    const { manager } = createManagerScene();
    expect(manager.getBridgeClient()).toBeNull();
    expect(await manager.getBridgeStatus()).toBeNull();
  });
});

describe("ensureBridgeConnected", () => {
  it("tells whether the bridge is connected", async () => {
    const { manager, during } = createManagerScene();
    expect(await during(200, () => manager.ensureBridgeConnected())).toBe(true);
  });

  it("leaves a connection that is tried already to the client's own backoff", async () => {
    const scene = await sceneAfterInit({ failure: "no room" });
    await scene.clock.advance(10_000);
    expect(await scene.during(10_000, () => scene.manager.ensureBridgeConnected())).toBe(false);
    expect(scene.client.joins).toHaveLength(1);
  });

  it("waits for a join of the client's own that is under way", async () => {
    const scene = createManagerScene();
    await scene.joined();
    scene.client.lose();
    void scene.client.retry();
    expect(await scene.during(100, () => scene.manager.ensureBridgeConnected())).toBe(true);
    expect(scene.client.joins).toHaveLength(1);
  });

  it("waits 5 s at most", async () => {
    const { manager, clock } = createManagerScene({ client: { hangs: true } });
    let result: boolean | undefined;
    void manager.ensureBridgeConnected().then((value) => (result = value));
    await clock.advance(4_999);
    expect(result).toBeUndefined();
    await clock.advance(1);
    expect(result).toBe(false);
  });

  it("is what the microphone asks for when it goes on, and not when it goes off", async () => {
    const scene = createManagerScene();
    scene.manager.onMicStateChange(false);
    await scene.clock.advance(1_000);
    expect(scene.clients).toHaveLength(0);
    scene.manager.onMicStateChange(true);
    await scene.clock.advance(200);
    expect(scene.client.isConnected()).toBe(true);
    scene.manager.onMicStateChange(false);
    expect(scene.clock.pending).toBe(0);
  });
});

describe("the log level", () => {
  it("is set for the client, also for one that is still to come", async () => {
    const scene = createManagerScene();
    scene.manager.setLogLevel("debug");
    await scene.joined();
    scene.manager.setLogLevel("warn");
    expect(scene.client.levels).toEqual(["debug", "warn"]);
  });

  it("is set on the manager's own child logger and never on the application's", async () => {
    const child = { ...silent, level: "info" };
    const logger = { ...silent, level: "info", child: () => child };
    const { manager } = createManagerScene({ user: { logger } });
    manager.setLogLevel("debug");
    expect([logger.level, child.level]).toEqual(["info", "debug"]);
    const plain = { ...silent, level: "info" };
    createManagerScene({ user: { logger: plain } }).manager.setLogLevel("debug");
    expect(plain.level).toBe("info");
  });
});

describe("settings of the environment", () => {
  it.each([
    ["LIVEKIT_REJOIN_BACKOFF_MS", "2s", "must be a whole number of milliseconds"],
    ["LIVEKIT_RECONNECT_STATUS_CHECK", "maybe", "must be on or off"],
  ])("%s=%s is refused with a clear error", (name, value, text) => {
    expect(() => createManagerScene({ env: { ...KEYS, [name]: value } })).toThrow(text);
  });
});

describe("the room's status", () => {
  const rooms = {
    getRoomStatus: async () => ({
      roomExists: true,
      participants: [{ identity: "cloud-agent:alice", joinedAtMs: 1, isPublishing: false }],
      clientInRoom: false,
      bridgeInRoom: true,
    }),
    isClientInRoom: async () => false,
  };

  it("shows a phone that never came back although the bridge is connected", async () => {
    const scene = createManagerScene({ options: { rooms } });
    scene.manager.onMicStateChange(true);
    await scene.clock.advance(200);
    expect(await scene.manager.getRoomStatus()).toEqual({
      roomName: "alice",
      clientInRoom: false,
      bridgeInRoom: true,
      participants: [{ identity: "cloud-agent:alice", joinedAtMs: 1, isPublishing: false }],
      micEnabled: true,
      bridgeConnected: true,
    });
    expect(await scene.manager.isClientInRoom()).toBe(false);
    scene.manager.dispose();
  });

  it("is null without keys: it cannot be known", async () => {
    const { manager } = createManagerScene({ env: {} });
    expect(await manager.getRoomStatus()).toBeNull();
    expect(await manager.isClientInRoom()).toBeNull();
  });
});

const silent = { trace: () => {}, debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

async function sceneAfterInit(client: { readonly failure: string }) {
  const scene = createManagerScene({ client });
  const init = await scene.during(200, () => scene.manager.handleLiveKitInit());
  expect(init?.token).toBeTypeOf("string");
  return scene;
}

function payloadOf(token: string | null): unknown {
  const [, payload = ""] = (token ?? "").split(".");
  return JSON.parse(Buffer.from(payload, "base64url").toString());
}

function mintAll(manager: ReturnType<typeof createManagerScene>["manager"]): Promise<(string | null)[]> {
  return Promise.all([
    manager.mintClientPublishToken(),
    manager.mintClientSubscribeToken(),
    manager.mintAgentSubscribeToken(),
    manager.mintAgentBridgeToken(),
  ]);
}
