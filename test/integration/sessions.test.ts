import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startCloudProcess } from "../support/cloud-process.js";
import { eventually } from "../support/eventually.js";
import { requireLiveKitServer } from "../support/livekit-server.js";
import type { RealScene } from "../support/real-scene.js";
import { startRealScene } from "../support/real-scene.js";

const BRIDGE = (user: string) => `cloud-agent:${user}`;

describe.skipIf(!requireLiveKitServer())("sessions, on a real livekit-server", () => {
  let scene: RealScene;
  beforeAll(async () => {
    scene = await startRealScene();
  });
  afterAll(async () => {
    await scene.stop();
  });

  /** A line of another process's log comes on a way of its own, and may come after the answer. */
  const logged = (line: string) => eventually(line, () => scene.bridge.messages().includes(line));

  test("a second join replaces the first: old stream OK, one session, one participant", async () => {
    const client = scene.client();
    await client.join(await scene.params("twice"));
    const stream = client.stream("twice");
    await stream.metadata;
    const again = await client.join(await scene.params("twice"));
    expect(again.success).toBe(true);
    expect(stream.isEnded()).toBe(true);
    expect((await stream.ended).code).toBe(0);
    expect(await scene.identities("twice")).toEqual([BRIDGE("twice")]);
    expect((await client.status("twice")).connected).toBe(true);
    await logged("Replacing existing bridge session");
    await client.leave("twice");
  });

  test("a hundred joins in a row: each succeeds, one session, one participant", async () => {
    const client = scene.client();
    const durationsMs: number[] = [];
    for (let i = 0; i < 100; i += 1) {
      const request = await scene.params("hundred");
      const startMs = performance.now();
      expect((await client.join(request)).success, `join ${i}`).toBe(true);
      durationsMs.push(performance.now() - startMs);
    }
    durationsMs.sort((a, b) => a - b);
    console.log(`replacing joins: p50 ${durationsMs[50]?.toFixed(0)} ms, p95 ${durationsMs[95]?.toFixed(0)} ms`);
    expect(durationsMs[95]).toBeLessThan(500);
    expect(await scene.identities("hundred")).toEqual([BRIDGE("hundred")]);
    expect((await client.health()).active_sessions).toBe(1);
    await client.leave("hundred");
    expect(await scene.identities("hundred")).toEqual([]);
  }, 120_000);

  test("ten joins at once: the last wins, one session, one participant", async () => {
    const client = scene.client();
    const requests = await Promise.all(Array.from({ length: 10 }, () => scene.params("ten")));
    const results = await Promise.all(requests.map((request) => client.join(request)));
    expect(results.filter(({ success }) => success)).toHaveLength(1);
    expect(results.filter(({ error }) => error.endsWith("superseded by a newer join"))).toHaveLength(9);
    await eventually("one participant", async () => (await scene.identities("ten")).length === 1);
    expect((await client.status("ten")).connected).toBe(true);
    await client.leave("ten");
    await eventually("an empty room", async () => (await scene.identities("ten")).length === 0);
  });

  test("the identity taken by another process: duplicate_identity, stream OK, no rejoin", async () => {
    const client = scene.client();
    await client.join(await scene.params("stolen"));
    const stream = client.stream("stolen");
    await stream.metadata;
    const { joinRtcParticipant } = await import("../support/rtc-participant.js");
    const thief = await joinRtcParticipant(scene.server.url, await scene.server.token(BRIDGE("stolen"), "stolen"));
    const status = await stream.ended;
    expect(status.code).toBe(0);
    expect(status.metadata.get("bridge-end-reason")).toEqual(["duplicate_identity"]);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(thief.room.isConnected, "nobody fought for the identity").toBe(true);
    expect(await client.status("stolen")).toMatchObject({
      connected: false,
      last_disconnect_reason: "duplicate_identity",
    });
    await thief.leave();
    const startMs = performance.now();
    expect((await client.join(await scene.params("stolen"))).success).toBe(true);
    expect(performance.now() - startMs).toBeLessThan(2000);
    await client.leave("stolen");
  });

  test.each(["SIGKILL", "SIGTERM"] as const)(
    "a cloud that ends by %s: session gone, room left in 2 s; a bystander loses nothing",
    async (signal) => {
      const client = scene.client();
      const phone = await scene.phone("bystander");
      await client.join(await scene.params("bystander"));
      const bystander = client.stream("bystander");
      await bystander.metadata;
      const victim = `victim-${signal}`;
      const victimPhone = await scene.phone(victim);
      const cloud = await startCloudProcess(scene.bridge.address, await scene.params(victim));
      let sent = 0;
      const timer = setInterval(() => {
        void phone.publishData(Buffer.alloc(640, sent), { reliable: true });
        void victimPhone.publishData(Buffer.alloc(640, 1), { reliable: true });
        sent += 1;
      }, 20);
      await eventually("audio at the victim", () => cloud.lines.includes("chunk 10"), 8000);
      cloud.signal(signal);
      await cloud.exited;
      await eventually("the room left", async () => !(await scene.identities(victim)).includes(BRIDGE(victim)), 2000);
      expect((await client.status(victim)).last_disconnect_reason).toBe("stream_error");
      const dropsBefore = scene.bridge.messages().filter((line) => line.includes("channel full")).length;
      await new Promise((resolve) => setTimeout(resolve, 500));
      clearInterval(timer);
      await eventually("every packet of the bystander", () => bystander.chunks.length === sent, 8000);
      expect(bystander.chunks.map(({ pcm_data }) => pcm_data[0])).toEqual(
        Array.from({ length: sent }, (_, i) => i & 0xff),
      );
      expect(scene.bridge.messages().filter((line) => line.includes("channel full"))).toHaveLength(dropsBefore);
      await client.leave("bystander");
    },
  );

  test("a cloud that stands still (SIGSTOP) is torn down by the send timeout", async () => {
    const client = scene.client();
    const phone = await scene.phone("stopped");
    const cloud = await startCloudProcess(scene.bridge.address, await scene.params("stopped"));
    cloud.signal("SIGSTOP");
    const timer = setInterval(() => void phone.publishData(Buffer.alloc(6400, 1), { reliable: true }), 20);
    await eventually("the session gone", async () => !(await client.status("stopped")).connected, 15_000);
    clearInterval(timer);
    expect((await client.status("stopped")).last_disconnect_reason).toBe("send_timeout");
    await eventually(
      "the room left",
      async () => !(await scene.identities("stopped")).includes(BRIDGE("stopped")),
      2000,
    );
    cloud.signal("SIGKILL");
    await cloud.exited;
  });

  test.each([
    ["a bad token", async () => ({ token: await scene.server.token("x", "bad").then((token) => `${token}x`) })],
    ["an expired token", async () => ({ token: await scene.server.token("x", "bad", { ttlSeconds: -300 }) })],
    ["a refused connection", async () => ({ livekit_url: "ws://127.0.0.1:1" })],
    ["an address that is none", async () => ({ livekit_url: "ws://" })],
  ])("%s is answered in-band within 1 s, without a token in the log", async (_case, change) => {
    const client = scene.client();
    const request = await scene.params("bad", await change());
    const startMs = performance.now();
    const result = await client.join(request);
    expect(performance.now() - startMs).toBeLessThan(1000);
    expect(result.success).toBe(false);
    expect(result.error).toMatch(/^failed to connect to room: ./);
    await logged("Failed to connect to LiveKit room");
    expect(JSON.stringify(scene.bridge.logs)).not.toContain(request.token.split(".")[2]);
  });

  test("ten joins to a black hole delay a bystander's join by less than 1 s, and leave nothing", async () => {
    const sockets = new Set<Socket>();
    const hole = createServer((socket) => void sockets.add(socket.on("error", () => {})));
    await new Promise<void>((done) => hole.listen(0, "127.0.0.1", done));
    const livekit_url = `ws://127.0.0.1:${(hole.address() as AddressInfo).port}`;
    const client = scene.client();
    const control = await timed(() => scene.params("control").then((request) => client.join(request)));
    const requests = await Promise.all(
      Array.from({ length: 10 }, (_, i) => scene.params(`hole-${i}`, { livekit_url })),
    );
    const lost = requests.map((request) => client.join(request));
    await eventually("connects in the hole", () => sockets.size > 0);
    const joined = await timed(() => scene.params("after-hole").then((request) => client.join(request)));
    expect(joined - control).toBeLessThan(1000);
    for (const { success } of await Promise.all(lost)) expect(success).toBe(false);
    await eventually("only the two others", async () => (await client.health()).active_sessions === 2);
    for (const socket of sockets) socket.destroy();
    await new Promise((done) => hole.close(done));
    for (const user of ["control", "after-hole"]) await client.leave(user);
  });
});

async function timed(work: () => Promise<{ success: boolean }>): Promise<number> {
  const startMs = performance.now();
  expect((await work()).success).toBe(true);
  return performance.now() - startMs;
}
