import { Metadata } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import type { BridgeHarness } from "../support/embedded-bridge.js";
import { useEmbeddedBridge } from "../support/embedded-bridge.js";
import { eventually } from "../support/eventually.js";

describe("JoinRoom and LeaveRoom", () => {
  let harness: BridgeHarness;
  useEmbeddedBridge(
    (started) => {
      harness = started;
    },
    { env: { BRIDGE_SESSIONS_MAX: "3" } },
  );

  test("a success names the participant, counts it, and says what this bridge can do", async () => {
    const { client, params, bridge } = harness;
    const joined = await client.join(await params("alice"));
    expect(joined).toMatchObject({
      success: true,
      error: "",
      participant_id: "cloud-agent:alice",
      participant_count: 1,
    });
    const { version, session, headers, keepalive } = joined.metadata;
    expect({ version, headers, keepalive }).toEqual({ version: bridge.backend.version, headers: "1", keepalive: "1" });
    expect(Number(session)).toBeGreaterThan(0);
    expect(harness.messages()).toContain("Successfully joined room");
  });

  test("publishes nothing", async () => {
    const { client, params, engine } = harness;
    await client.join(await params("alice"));
    const stream = client.stream("alice");
    await stream.metadata;
    stream.heartbeat();
    stream.heartbeat();
    await eventually("the heartbeats counted", () => harness.bridge.backend.stats().heartbeatsIn === 2);
    expect(engine.counts().tracks).toBe(0);
  });

  test.each([
    ["an empty user id", { user_id: "" }, /^user_id required$/],
    ["a malformed token", { token: "nonsense" }, /^failed to connect to room: /],
    [
      "an address with another scheme",
      { livekit_url: "ftp://host" },
      /^failed to connect to room: .*ws, wss, http or https/,
    ],
    ["an address that is none", { livekit_url: "::" }, /^failed to connect to room: /],
    ["an address that refuses", { livekit_url: "ws://127.0.0.1:1" }, /^failed to connect to room: /],
    ["a user id beyond 256 characters", { user_id: "a".repeat(257) }, /^user_id longer than 256$/],
  ])("%s is answered in-band, within 1 s", async (_case, changes, error) => {
    const startMs = performance.now();
    const joined = await harness.client.join(await harness.params("alice", changes));
    expect(joined).toMatchObject({ success: false, participant_id: "", participant_count: 0 });
    expect(joined.error).toMatch(error);
    expect(performance.now() - startMs).toBeLessThan(1000);
    expect((await harness.client.health()).active_sessions).toBe(0);
  });

  test("an empty LiveKit address means LIVEKIT_URL", async () => {
    expect((await harness.client.join(await harness.params("alice", { livekit_url: "" }))).success).toBe(true);
  });

  test("a second join replaces the first, whose stream ends OK before the reply", async () => {
    const { client, params, rooms } = harness;
    for (let round = 0; round < 30; round += 1) {
      await client.join(await params("alice"));
      const stream = client.stream("alice");
      await stream.metadata;
      const again = await client.join(await params("alice"));
      expect(again.success).toBe(true);
      expect(stream.isEnded(), `round ${round}`).toBe(true);
      const status = await stream.ended;
      expect(status.code).toBe(0);
      expect(status.metadata.get("bridge-end-reason")).toEqual(["replaced"]);
      expect(rooms.identities("alice")).toEqual(["cloud-agent:alice"]);
    }
    const replacing = harness.logs.find(({ message }) => message === "Replacing existing bridge session");
    expect(replacing).toMatchObject({ user_id: "alice", userId: "alice", reason: "new_join_request" });
    expect(harness.messages().join("\n")).not.toContain("session already exists");
  });

  test("of ten joins at once the last wins, the others are told so, and one participant is in the room", async () => {
    const { client, params, rooms } = harness;
    rooms.faults.holdConnects({}, { forMs: 50 });
    const requests = await Promise.all(Array.from({ length: 10 }, () => params("alice")));
    const results = await Promise.all(requests.map((request) => client.join(request)));
    expect(results.filter(({ success }) => success)).toHaveLength(1);
    for (const { success, error } of results) {
      if (!success) expect(error).toBe("failed to connect to room: superseded by a newer join");
    }
    expect(rooms.identities("alice")).toEqual(["cloud-agent:alice"]);
    expect((await client.health()).active_sessions).toBe(1);
  });

  test("a hundred joins in a row leave one session and one participant", async () => {
    const { client, params, rooms } = harness;
    for (let i = 0; i < 100; i += 1) expect((await client.join(await params("alice"))).success).toBe(true);
    expect(rooms.identities("alice")).toEqual(["cloud-agent:alice"]);
    const { active_sessions, metadata } = await client.health();
    expect(active_sessions).toBe(1);
    expect(metadata["replacements"]).toBe("99");
  });

  test("a caller that gives up leaves nothing behind", async () => {
    const { client, params, rooms, engine } = harness;
    const hold = rooms.faults.holdConnects();
    const request = await params("alice");
    const outcome = new Promise((done) => {
      const call = client.raw.JoinRoom(request, new Metadata(), {}, (error) => done(error?.code));
      void eventually("the connect to hang", () => engine.counts().connecting === 1).then(() => call.cancel());
    });
    expect(await outcome).toBe(1);
    await eventually("the join abandoned", () => harness.messages().includes("JoinRoom abandoned"));
    expect((await client.health()).active_sessions).toBe(0);
    hold.lift();
    await eventually("nothing in the room", () => engine.counts().connecting === 0 && engine.counts().rooms === 0);
    expect(rooms.identities("alice")).toEqual([]);
    expect((await client.status("alice")).last_disconnect_reason).toBe("cancelled");
  });

  test("leaving during a join cancels it", async () => {
    const { client, params, rooms, engine } = harness;
    const hold = rooms.faults.holdConnects();
    const joining = client.join(await params("alice"));
    await eventually("the connect to hang", () => engine.counts().connecting === 1);
    const leaving = client.leave("alice");
    expect(await joining).toMatchObject({ success: false, error: "failed to connect to room: cancelled by leave" });
    expect((await leaving).success).toBe(true);
    hold.lift();
    await eventually("nothing in the room", () => engine.counts().connecting === 0 && engine.counts().rooms === 0);
  });

  test("leaving ends the stream OK before the reply, and forgets the session", async () => {
    const { client, params, rooms } = harness;
    for (let round = 0; round < 30; round += 1) {
      await client.join(await params("alice"));
      const stream = client.stream("alice");
      await stream.metadata;
      expect(await client.leave("alice")).toEqual({ success: true, error: "" });
      expect(stream.isEnded(), `round ${round}`).toBe(true);
      expect((await stream.ended).code).toBe(0);
    }
    expect(rooms.identities("alice")).toEqual([]);
    expect(await client.status("alice")).toMatchObject({ connected: false, last_disconnect_reason: "left" });
    expect(await client.leave("alice")).toEqual({ success: false, error: "session not found" });
  });

  test("LeaveRoom answers within 2 s when LiveKit hangs, and the next join waits no longer than that", async () => {
    const { client, params, rooms } = harness;
    await client.join(await params("alice"));
    const hang = rooms.faults.hangCloses();
    const startMs = performance.now();
    expect((await client.leave("alice")).success).toBe(true);
    expect(performance.now() - startMs).toBeLessThan(2000);
    expect((await client.status("alice")).connected).toBe(false);
    const joinedAtMs = performance.now();
    expect((await client.join(await params("alice"))).success).toBe(true);
    expect(performance.now() - joinedAtMs).toBeLessThan(2500);
    hang.lift();
  });

  test("above capacity a new user is refused, a user who comes again is not", async () => {
    const { client, params } = harness;
    for (const user of ["a", "b", "c"]) expect((await client.join(await params(user))).success).toBe(true);
    await expect(client.join(await params("d"))).rejects.toMatchObject({ code: 8 });
    expect((await client.join(await params("a"))).success).toBe(true);
    await client.leave("b");
    expect((await client.join(await params("d"))).success).toBe(true);
  });

  test("a token never appears in a log, not even of a failure at trace level", async () => {
    const { client, params } = harness;
    const request = await params("alice");
    await client.join(request);
    await client.join({ ...request, token: `${request.token}x` });
    await client.join({ ...request, livekit_url: `ws://127.0.0.1:1/?access_token=${request.token}` });
    const text = JSON.stringify(harness.logs);
    expect(harness.logs.length).toBeGreaterThan(3);
    expect(text).not.toContain(request.token.split(".")[2]);
  });

  test("a mismatch of names is warned about", async () => {
    const { client, params } = harness;
    await client.join(await params("alice", { room_name: "other", target_identity: "cloud-agent:alice" }));
    expect(harness.messages()).toContain("The token names another room than the request");
    expect(
      harness.messages().some((message) => message.startsWith("The bridge's identity is that of the target")),
    ).toBe(true);
  });
});
