import { connect } from "node:http2";
import { Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import type { PlayAudioCall } from "../../src/grpc/playback-port.js";
import { createPlaybackPort } from "../../src/grpc/playback-port.js";
import { eventually } from "../support/eventually.js";
import type { PlayEvent, TestClient, TestPlayback } from "../support/old-client.js";
import { startTcpProxy } from "../support/tcp-proxy.js";
import { CODE, expectOneEnd, sleep, useScene } from "./scene.js";
import type { Scene } from "./scene.js";

const CLOSED = { code: CODE.CANCELLED, details: "session closed" };

describe("A session that ends takes its playbacks along", () => {
  let scene: Scene;
  useScene((fresh) => (scene = fresh));

  type End = (scene: Scene) => Promise<unknown>;
  const ends: readonly (readonly [string, End])[] = [
    ["LeaveRoom", ({ harness }) => harness.client.leave("alice")],
    ["a newer JoinRoom", async ({ harness }) => harness.client.join(await harness.params("alice"))],
    ["being put out of the room", ({ harness }) => harness.rooms.removeParticipant("alice", "cloud-agent:alice")],
    ["the room deleted", ({ harness }) => harness.rooms.deleteRoom("alice")],
    [
      "the same identity elsewhere",
      ({ harness }) => harness.rooms.join({ identity: "cloud-agent:alice", room: "alice" }),
    ],
    ["a drain", ({ harness }) => harness.bridge.drain()],
  ];
  const phases = ["fetching", "playing"] as const;
  const table = ends.flatMap(([name, end]) => phases.map((phase) => ({ name, end, phase })));

  async function begin(phase: "fetching" | "playing"): Promise<TestPlayback> {
    if (phase === "playing") return scene.playing(scene.tone(440, 5000), { request_id: "it" });
    const play = scene.play(scene.silentServer(), { request_id: "it" });
    await eventually("the request", () => scene.web.open === 1);
    return play;
  }

  test.each(table)(
    "$name while $phase: FAILED once, the download's socket closed within a second",
    async ({ end, phase }) => {
      const play = await begin(phase);
      const ending = end(scene);
      expect(await play.ended).toMatchObject(CLOSED);
      await eventually("the server's socket closed", () => scene.web.open === 0, 1000);
      expectOneEnd(play, "it");
      expect(play.events.at(-1)).toMatchObject({ type: "FAILED", error: "session closed" });
      const atMs = performance.now();
      await ending;
      await sleep(50);
      expect(scene.audibleSince(atMs)).toBe(0);
      // Counted and logged like every other end.
      const lines = scene.harness.logs.filter(({ message }) => message === "PlayAudio stopped");
      expect(lines).toMatchObject([{ requestId: "it", reason: "session closed" }]);
    },
  );

  test.each(phases)("the caller gives up while %s: the download ends within a second, and silence", async (phase) => {
    const play = await begin(phase);
    play.call.cancel();
    const atMs = performance.now();
    await eventually("the server's socket closed", () => scene.web.open === 0, 1000);
    await eventually("the playback gone", () => scene.playbacks() === 0);
    await sleep(100);
    expect(scene.audibleSince(atMs + 100)).toBe(0);
    expect(scene.mediaState()).toBe("streaming");
    expect((await scene.play(scene.tone(880, 100)).ended).code).toBe(CODE.OK);
  });

  test.each(phases)("the caller's connection is cut while %s: the same", async (phase) => {
    const proxy = await startTcpProxy(scene.harness.address);
    const client: TestClient = scene.harness.connect({}, proxy.address);
    const url = phase === "playing" ? scene.tone(440, 5000) : scene.silentServer();
    const play = client.play("alice", url);
    await eventually("it is on its way", () =>
      phase === "playing" ? play.types().includes("PROGRESS") : scene.web.open === 1,
    );
    proxy.reset();
    await eventually("the server's socket closed", () => scene.web.open === 0, 1000);
    await eventually("the playback gone", () => scene.playbacks() === 0, 1000);
    await proxy.close();
  });

  test("reconnecting keeps a play alive, and it ends properly", async () => {
    const play = await scene.playing(scene.tone(440, 800), { request_id: "survivor" });
    scene.harness.rooms.dropTransport("alice", "cloud-agent:alice", { durationMs: 300 });
    await eventually("reconnecting", () => scene.mediaState() === "reconnecting");
    await eventually("reconnected", () => scene.mediaState() === "playing");
    expect((await play.ended).code).toBe(CODE.OK);
    expectOneEnd(play, "survivor");
    await eventually("streaming", () => scene.mediaState() === "streaming");
  });

  test("a play that ends while reconnecting leaves the session streaming", async () => {
    const play = await scene.playing(scene.tone(440, 200));
    scene.harness.rooms.dropTransport("alice", "cloud-agent:alice", { durationMs: 600 });
    await play.ended;
    expect(scene.mediaState()).toBe("reconnecting");
    await eventually("streaming", () => scene.mediaState() === "streaming");
  });

  test("a transport that is lost for good fails the play and its session", async () => {
    const play = await scene.playing(scene.tone(440, 5000), { request_id: "it" });
    scene.harness.rooms.dropTransport("alice", "cloud-agent:alice", { durationMs: 200, end: "lost" });
    expect(await play.ended).toMatchObject(CLOSED);
    expectOneEnd(play, "it");
  });

  test("another user's end is nobody else's", async () => {
    await scene.join("bob");
    const bobs = scene.play(scene.tone(880, 5000), {}, "bob");
    const play = await scene.playing(scene.tone(440, 500));
    await scene.harness.client.leave("bob");
    expect(await bobs.ended).toMatchObject(CLOSED);
    expect((await play.ended).code).toBe(CODE.OK);
    expect(scene.soundOn("speaker").length / 48).toBeCloseTo(500, -1);
  });
});

describe("A caller that does not read", () => {
  let scene: Scene;
  useScene((fresh) => (scene = fresh), { env: { BRIDGE_RESET_AFTER_MS: "200" } });

  test("is reset once its playback has ended; another caller is not held up", async () => {
    // A window of nothing: the server may not send a single event.
    const session = connect(`http://${scene.harness.address}`, { settings: { initialWindowSize: 0 } });
    const call = session.request({
      ":method": "POST",
      ":path": "/mentra.livekit.bridge.LiveKitBridge/PlayAudio",
      "content-type": "application/grpc",
      te: "trailers",
    });
    call.on("error", () => {});
    const isReset = new Promise<void>((done) => call.once("close", done));
    call.end(playRequest("alice", scene.tone(440, 700)));
    const reading = await scene.playing(scene.tone(880, 700), { track_id: 1 });
    expect(scene.playbacks()).toBe(2);
    await eventually("both played out", () => scene.playbacks() === 0, 5000);
    const endedMs = performance.now();
    expect((await reading.ended).code).toBe(CODE.OK);
    await isReset;
    expect(performance.now() - endedMs).toBeLessThan(1000);
    session.close();
  });

  test("is owed a few events at most, and always the last one", () => {
    const written: PlayEvent[] = [];
    // Takes the first event and never another.
    const call = new Writable({ objectMode: true, write: (event: PlayEvent) => written.push(event) });
    const { backend } = scene.harness.bridge;
    const request = { requestId: "it", url: "", volume: 1, stopOther: false, trackId: 0 };
    call.on("error", () => {});
    const port = createPlaybackPort(call as unknown as PlayAudioCall, request, backend);
    port.started();
    for (let positionMs = 0; positionMs < 3_600_000; positionMs += 500) port.progress(positionMs, undefined);
    expect(call.writableLength).toBeLessThanOrEqual(8);
    port.fail({ status: "CANCELLED", message: "stopped: test" });
    expect(call.writableLength).toBeLessThanOrEqual(9);
    port.progress(0, 0);
    port.complete(0);
    expect(call.writableLength).toBeLessThanOrEqual(9);
  });
});

/** A PlayAudioRequest on the wire, of a user and a URL. */
function playRequest(user: string, url: string): Buffer {
  const field = (number: number, text: string) =>
    Buffer.concat([Buffer.from([number * 8 + 2, text.length]), Buffer.from(text)]);
  const message = Buffer.concat([field(2, url), field(5, user)]);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}
