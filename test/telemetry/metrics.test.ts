import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { VERSION } from "../../src/version.js";
import { startAudioServer } from "../support/audio-server.js";
import { eventually } from "../support/eventually.js";
import { tone } from "../support/tone.js";
import { wavOf } from "../support/wav.js";
import type { MetricsScene } from "./metrics-scene.js";
import { startMetricsScene } from "./metrics-scene.js";

const SERVICE = "mentra.livekit.bridge.LiveKitBridge";
const rpc = (grpc_type: string, grpc_method: string) => ({ grpc_type, grpc_service: SERVICE, grpc_method });
const STREAM = rpc("bidi_stream", "StreamAudio");
const JOIN = rpc("unary", "JoinRoom");

describe("the metrics of a bridge", () => {
  let scene: MetricsScene;
  beforeEach(async () => {
    scene = await startMetricsScene({ env: { BRIDGE_AUDIO_ALLOWED: "127.0.0.0/8", BRIDGE_SESSIONS_MAX: "5" } });
  });
  afterEach(() => scene.stop());

  async function join(user: string) {
    const { client, rooms, params } = scene.harness;
    const phone = await rooms.join({ identity: user, room: user });
    expect(await client.join(await params(user))).toMatchObject({ success: true });
    return phone;
  }

  test("HealthCheck, GetStatus, /health and /metrics tell the same of the same traffic", async () => {
    const { client, rooms } = scene.harness;
    const phone = await join("alice");
    const unheard = await join("bob");
    const stream = client.stream("alice");
    await stream.metadata;
    for (let i = 0; i < 3; i += 1) await unheard.publishData(Buffer.alloc(640));
    // Odd packets carry a sequence byte: 0, 1, 5 (three lost), 4 (late).
    for (const sequence of [0, 1, 5, 4]) await phone.publishData(Buffer.alloc(641, sequence));
    stream.send(Buffer.alloc(640, 1));
    stream.heartbeat();
    await join("carol");
    await client.join(await scene.harness.params("carol"));
    rooms.dropTransport("bob", "cloud-agent:bob", { durationMs: 10_000 });
    await eventually("all of it counted", async () => {
      const { metadata } = await client.health();
      return (
        metadata["frames_sent"] === "4" &&
        metadata["frames_received"] === "7" &&
        metadata["uplink_bytes"] === "640" &&
        metadata["replacements"] === "1"
      );
    });
    await eventually(
      "bob's transport lost",
      async () => (await client.health()).metadata["sessions_connected"] === "2",
    );
    await eventually("carol's old room left", async () => (await client.health()).metadata["sessions_closing"] === "0");

    const health = await client.health();
    const scraped = await scene.scrape();
    const json = JSON.parse((await scene.get("/health")).text) as typeof health;
    const wavering = { event_loop_lag_ms: expect.any(String) as string, rss_mb: expect.any(String) as string };
    expect(json).toMatchObject({
      ...health,
      uptime_seconds: expect.any(Number),
      metadata: { ...health.metadata, ...wavering },
    });
    const number = (name: string) => Number(health.metadata[name]);
    const value = (name: string, labels?: Record<string, string>) => scraped.value(`bridge_${name}`, labels);
    expect({
      active_sessions: value("active_sessions"),
      active_streams: value("active_streams"),
      playbacks: value("active_playbacks"),
      sessions_connected: value("sessions", { state: "connected" }),
      sessions_closing: value("sessions", { state: "closing" }),
      sessions_silent: value("silent_sessions"),
      frames_received: value("downlink_received_packets_total"),
      frames_sent: value("downlink_sent_packets_total"),
      frames_dropped: value("downlink_dropped_packets_total"),
      frames_lost: value("downlink_lost_packets_total"),
      frames_reordered: value("downlink_reordered_packets_total"),
      uplink_bytes: value("uplink_received_bytes_total"),
      uplink_bytes_dropped: value("uplink_dropped_bytes_total"),
      replacements: value("replacements_total"),
      reaped: value("reaped_total"),
      crashes: value("crashes_total"),
    }).toEqual({
      active_sessions: health.active_sessions,
      active_streams: health.active_streams,
      ...Object.fromEntries(
        Object.keys(health.metadata)
          .filter((name) => !["version", "rss_mb", "event_loop_lag_ms"].includes(name))
          .map((name) => [name, number(name)]),
      ),
    });
    // And these are the right numbers, not merely the same.
    expect([health.active_sessions, health.active_streams, number("frames_received")]).toEqual([3, 1, 7]);
    expect([number("frames_lost"), number("frames_reordered"), number("replacements")]).toEqual([3, 1, 1]);
    expect(scraped.value("bridge_sessions", { state: "reconnecting" })).toBe(1);
    expect(scraped.value("bridge_sessions", { state: "joining" })).toBe(0);
    expect(scraped.value("bridge_downlink_received_bytes_total")).toBe(7 * 640);
    expect(scraped.value("bridge_downlink_sent_bytes_total")).toBe(4 * 640);
    expect(scraped.value("bridge_uplink_received_packets_total")).toBe(1);
    expect(scraped.value("bridge_uplink_heartbeats_total")).toBe(1);
    const statuses = await Promise.all(["alice", "bob", "carol", "nobody"].map((user) => client.status(user)));
    expect(statuses.filter(({ connected }) => connected)).toHaveLength(number("sessions_connected"));
    expect(scraped.value("bridge_build_info", { version: VERSION, engine: "embedded" })).toBe(1);
    expect([statuses[0]?.server_version, health.metadata["version"]]).toEqual([VERSION, VERSION]);
  });

  test("joins, ends of sessions and lost rooms are counted by outcome and reason", async () => {
    const { client, rooms, params } = scene.harness;
    rooms.faults.refuseConnects({ room: "unlucky" });
    expect((await client.join(await params("unlucky"))).success).toBe(false);
    const hold = rooms.faults.holdConnects({ room: "overtaken" });
    const overtaken = client.join(await params("overtaken"));
    await eventually("the join under way", () => hold.caught === 1);
    expect((await scene.scrape()).value("bridge_sessions", { state: "joining" })).toBe(1);
    await client.leave("overtaken");
    expect((await overtaken).success).toBe(false);
    hold.lift();
    for (const user of ["a", "b", "c", "d", "e"]) await join(user);
    await expect(client.join(await params("f"))).rejects.toMatchObject({ code: 8 });
    await client.leave("a");
    await rooms.removeParticipant("b", "cloud-agent:b");
    rooms.dropTransport("c", "cloud-agent:c", { durationMs: 10 });
    await eventually("the removed one gone", async () => (await client.health()).active_sessions === 3);
    await eventually("the transport regained", async () => {
      const scraped = await scene.scrape();
      return (
        scraped.value("bridge_reconnects_total") === 1 && scraped.value("bridge_sessions", { state: "connected" }) === 3
      );
    });
    const scraped = await scene.scrape();
    const joins = (outcome: string) => scraped.value("bridge_joins_total", { outcome });
    expect(["succeeded", "failed", "abandoned", "refused"].map(joins)).toEqual([5, 1, 1, 1]);
    const ends = (reason: string) => scraped.value("bridge_teardowns_total", { reason });
    expect(["left", "participant_removed", "join_failed", "replaced"].map(ends)).toEqual([2, 1, 1, 0]);
    expect(scraped.value("bridge_join_seconds_count")).toBe(5);
    expect(scraped.value("bridge_sessions_limit")).toBe(5);
  });

  test("calls are counted when they begin, when they end, by what was sent, and by their messages", async () => {
    const { client, bridge } = scene.harness;
    const phone = await join("alice");
    await join("bob");
    const stream = client.stream("alice");
    const gone = client.stream("bob");
    const unknown = client.stream("nobody");
    expect((await unknown.ended).code).toBe(5);
    await Promise.all([stream.metadata, gone.metadata]);
    for (let i = 0; i < 10; i += 1) await phone.publishData(Buffer.alloc(640, i));
    for (let i = 0; i < 3; i += 1) stream.send(Buffer.alloc(640, i));
    await eventually("the chunks", () => stream.chunks.length === 10);
    await eventually("the uplink", () => bridge.backend.stats().uplinkPacketsIn === 3);
    const open = await scene.scrape();
    expect(open.value("grpc_server_started_total", STREAM)).toBe(3);
    expect(open.value("grpc_server_handling_seconds_count", STREAM)).toBe(1);
    gone.call.cancel();
    await client.leave("alice");
    expect((await stream.ended).code).toBe(0);
    await eventually("every stream and session ended", async () => {
      const now = await scene.scrape();
      const closing = now.value("bridge_active_sessions") + now.value("bridge_sessions", { state: "closing" });
      return now.value("grpc_server_handling_seconds_count", STREAM) === 3 && closing === 0;
    });
    const scraped = await scene.scrape();
    const handled = (grpc_code: string) => scraped.value("grpc_server_handled_total", { ...STREAM, grpc_code });
    expect(["OK", "Canceled", "NotFound", "Internal"].map(handled)).toEqual([1, 1, 1, 0]);
    expect(scraped.value("grpc_server_msg_sent_total", STREAM)).toBe(10);
    // What a session counted stays when it is gone: a counter that falls reads as a restart.
    expect(scraped.value("bridge_active_sessions")).toBe(0);
    expect(scraped.value("bridge_downlink_sent_packets_total")).toBe(10);
    expect(scraped.value("bridge_uplink_received_packets_total")).toBe(3);
    // The first message of each stream, and alice's three chunks.
    expect(scraped.value("grpc_server_msg_received_total", STREAM)).toBe(6);
    expect(scraped.value("grpc_server_handled_total", { ...JOIN, grpc_code: "OK" })).toBe(2);
    expect(scraped.value("grpc_server_msg_received_total", JOIN)).toBe(2);
  });

  test("a call that grpc-js itself ends, for a message that is too large, counts as what it has answered", async () => {
    const { client } = scene.harness;
    await join("alice");
    const stream = client.stream("alice");
    await stream.metadata;
    stream.send(Buffer.alloc(11 * 1024 * 1024));
    expect((await stream.ended).code).toBe(8);
    await eventually("it counted", async () => {
      const scraped = await scene.scrape();
      return scraped.value("grpc_server_handled_total", { ...STREAM, grpc_code: "ResourceExhausted" }) === 1;
    });
  });

  test("a packet that waits for its stream shows in the queue and in the added delay", async () => {
    const { client } = scene.harness;
    const phone = await join("alice");
    for (let i = 0; i < 7; i += 1) await phone.publishData(Buffer.alloc(640, i));
    await eventually(
      "packets that wait",
      async () => (await scene.scrape()).value("bridge_downlink_queue_packets") === 7,
    );
    await new Promise((resolve) => setTimeout(resolve, 120));
    const stream = client.stream("alice");
    await eventually("the chunks", () => stream.chunks.length === 7);
    await phone.publishData(Buffer.alloc(640));
    await eventually("the chunk", () => stream.chunks.length === 8);
    const scraped = await scene.scrape();
    const atMost = (le: string) => scraped.value("bridge_downlink_delay_seconds_bucket", { le });
    expect([atMost("0.1"), atMost("+Inf")]).toEqual([1, 8]);
    expect(scraped.value("bridge_downlink_delay_seconds_sum")).toBeGreaterThan(7 * 0.1);
    expect(scraped.value("bridge_downlink_queue_packets")).toBe(0);
    expect(scraped.value("bridge_downlink_queue_longest_packets")).toBe(7);
  });

  test("uplink audio that waits on a track shows as seconds of audio", async () => {
    const { client } = scene.harness;
    await join("alice");
    const stream = client.stream("alice");
    await stream.metadata;
    stream.send(Buffer.alloc(5 * 32_000, 1));
    await eventually("seconds that wait", async () => {
      const seconds = (await scene.scrape()).value("bridge_uplink_queue_longest_seconds");
      return seconds > 3 && seconds <= 5;
    });
  });

  test("playbacks are counted by outcome, with the time to their first sound", async () => {
    const web = await startAudioServer();
    const samples = tone({ frequencyHz: 440, durationMs: 200, sampleRateHz: 48_000, amplitude: 0.5 });
    const url = web.add("/short.wav", wavOf(samples, 48_000));
    const silent = web.add("/never", () => {});
    const { client } = scene.harness;
    await join("alice");
    expect((await client.play("alice", url).ended).code).toBe(0);
    expect((await client.play("alice", `${url}.missing`).ended).code).not.toBe(0);
    const endless = client.play("alice", silent, { request_id: "endless" });
    await eventually("a playback", async () => (await scene.scrape()).value("bridge_active_playbacks") === 1);
    await client.stop({ user_id: "alice", request_id: "endless", reason: "test" });
    await endless.ended;
    const scraped = await scene.scrape();
    const count = (outcome: string) => scraped.value("bridge_playbacks_total", { outcome });
    expect(["completed", "failed", "stopped"].map(count)).toEqual([1, 1, 1]);
    expect(scraped.value("bridge_playback_start_seconds_count")).toBe(1);
    expect(scraped.value("bridge_playback_start_seconds_sum")).toBeGreaterThan(0);
    expect(scraped.value("bridge_active_playbacks")).toBe(0);
    await web.close();
  });

  test("200 times join, stream, leave of different users: not one series more, and no name in any of them", async () => {
    const { client, rooms, params } = scene.harness;
    const before = (await scene.scrape()).series();
    for (let i = 0; i < 200; i += 1) {
      const user = `user-${i}@example.com`;
      await client.join(await params(user));
      const stream = client.stream(user);
      await stream.metadata;
      if (i % 2 === 0) await client.leave(user);
      else stream.call.cancel();
      await stream.ended;
      await eventually("left", () => rooms.identities(user).length === 0);
    }
    const after = await scene.scrape();
    expect(after.series()).toEqual(before);
    expect((await scene.get("/metrics")).text).not.toMatch(/user-|example\.com/);
    expect(after.value("bridge_joins_total", { outcome: "succeeded" })).toBe(200);
    expect(after.value("bridge_active_sessions")).toBe(0);
  }, 60_000);

  test("a drain is watched to its end: not ready at once, scraped while rooms are left, then closed", async () => {
    const { bridge, rooms } = scene.harness;
    await join("alice");
    await eventually("ready", async () => (await scene.get("/readyz")).status === 200, 10_000);
    const hang = rooms.faults.hangCloses();
    const drained = bridge.drain();
    expect(await scene.get("/readyz")).toMatchObject({ status: 503, text: "draining\n" });
    expect(await scene.get("/health")).toMatchObject({ status: 503, text: expect.stringContaining('"NOT_SERVING"') });
    expect((await scene.get("/healthz")).status).toBe(200);
    const scraped = await scene.scrape();
    expect(scraped.value("bridge_ready")).toBe(0);
    expect(scraped.value("bridge_sessions", { state: "closing" })).toBe(1);
    expect(scraped.value("bridge_teardowns_total", { reason: "drain" })).toBe(1);
    hang.lift();
    await drained;
    expect(bridge.metricsPort).toBeUndefined();
  });

  test("an event loop that was stuck is not ready, and counted", async () => {
    // The measurement begins with its first tick.
    await new Promise((resolve) => setTimeout(resolve, 100));
    const untilMs = performance.now() + 1600;
    while (performance.now() < untilMs);
    expect(await scene.get("/readyz")).toMatchObject({ status: 503, text: expect.stringContaining("stuck") });
    expect((await scene.get("/healthz")).status).toBe(200);
    const scraped = await scene.scrape();
    expect(scraped.value("bridge_event_loop_stalls_total")).toBeGreaterThanOrEqual(1);
    expect(scraped.value("bridge_event_loop_lag_seconds")).toBeGreaterThan(1);
    expect(scraped.value("bridge_ready")).toBe(0);
  });
});
