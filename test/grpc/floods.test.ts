// Peers that send much more than anybody can want: the rest of the bridge does not notice.

import { connect as connectHttp2, constants } from "node:http2";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { BridgeHarness } from "../support/embedded-bridge.js";
import { startEmbeddedBridge } from "../support/embedded-bridge.js";
import { eventually } from "../support/eventually.js";
import type { TestStream } from "../support/old-client.js";

const SESSIONS_MAX = 50;
const RESOURCE_EXHAUSTED = 8;
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const MB = 1024 * 1024;

const FRAME = { headers: 1, settings: 4, ping: 6, continuation: 9 } as const;

function frame(type: number, payload: Uint8Array = Buffer.alloc(0), stream = 0): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const SETTINGS = frame(FRAME.settings);

describe("a flood of", () => {
  let harness: BridgeHarness;
  let bystander: TestStream;
  let talking: NodeJS.Timeout;
  let sent: number;
  let rssBefore: number;
  beforeEach(async () => {
    harness = await startEmbeddedBridge({ env: { BRIDGE_SESSIONS_MAX: String(SESSIONS_MAX), LOG_LEVEL: "silent" } });
    const phone = await harness.rooms.join({ identity: "bob", room: "bob" });
    await harness.client.join(await harness.params("bob"));
    bystander = harness.client.stream("bob");
    await bystander.metadata;
    sent = 0;
    talking = setInterval(() => {
      void phone.publishData(Buffer.alloc(640, sent));
      sent += 1;
    }, 20);
    rssBefore = process.memoryUsage.rss();
  });
  afterEach(async () => {
    clearInterval(talking);
    await eventually("every packet of the bystander", () => bystander.chunks.length === sent);
    expect(bystander.chunks.map(({ pcm_data }) => pcm_data[0])).toEqual(
      Array.from({ length: sent }, (_, i) => i & 255),
    );
    expect(Number((await harness.client.health()).metadata["crashes"])).toBe(0);
    await harness.stop();
    expect(harness.failures).toEqual([]);
    expect(harness.engine.counts()).toEqual({ rooms: 0, connecting: 0, tracks: 0 });
  });

  /** Nobody but the bystander has anything left, and the flood has left no memory to speak of. */
  async function expectCalm(): Promise<void> {
    await eventually("only the bystander's session", async () => (await harness.client.health()).active_sessions === 1);
    expect(bystander.isEnded()).toBe(false);
    expect(process.memoryUsage.rss() - rssBefore).toBeLessThan(256 * MB);
  }

  test(
    "2,000 joins at once fills the bridge and no more: the others are told RESOURCE_EXHAUSTED",
    { timeout: 60_000 },
    async () => {
      const client = harness.connect();
      const users = Array.from({ length: 2000 }, (_, i) => `user-${i}`);
      const requests = await Promise.all(users.map((user) => harness.params(user)));
      const codes = await Promise.all(
        requests.map((request) =>
          client.join(request).then(
            ({ success }) => (success ? 0 : -1),
            ({ code }: { code: number }) => code,
          ),
        ),
      );
      expect(codes.filter((code) => code === 0)).toHaveLength(SESSIONS_MAX - 1);
      expect(codes.filter((code) => code === RESOURCE_EXHAUSTED)).toHaveLength(2000 - SESSIONS_MAX + 1);
      expect((await harness.client.health()).active_sessions).toBe(SESSIONS_MAX);
      const joined = users.filter((_, i) => codes[i] === 0);
      await Promise.all(joined.map((user) => client.leave(user)));
      // Who was refused comes in as soon as there is room.
      expect((await client.join(await harness.params("user-1999"))).success).toBe(true);
      await client.leave("user-1999");
      await expectCalm();
    },
  );

  test(
    "10,000 streams that are opened and reset ends at worst the connection that they came on",
    { timeout: 60_000 },
    async () => {
      let [opened, connections] = [0, 0];
      while (opened < 10_000) {
        const session = connectHttp2(`http://${harness.address}`);
        connections += 1;
        session.on("error", () => {});
        const closed = new Promise((done) => session.once("close", done));
        while (opened < 10_000 && !session.closed && !session.destroyed) {
          for (let i = 0; i < 100; i += 1) {
            const request = session.request({
              ":method": "POST",
              ":path": "/mentra.livekit.bridge.LiveKitBridge/StreamAudio",
              "content-type": "application/grpc",
              te: "trailers",
            });
            request.on("error", () => {});
            request.close(constants.NGHTTP2_CANCEL);
            opened += 1;
          }
          await new Promise((resolve) => setImmediate(resolve));
        }
        session.destroy();
        await closed;
      }
      console.log(`10,000 resets took ${connections} connection(s)`);
      await expectCalm();
    },
  );

  test.each([
    ["100,000 PING frames", [PREFACE, SETTINGS], frame(FRAME.ping, Buffer.alloc(8)), 100_000],
    ["100,000 SETTINGS frames", [PREFACE, SETTINGS], SETTINGS, 100_000],
    [
      "CONTINUATION frames without an end",
      [PREFACE, SETTINGS, frame(FRAME.headers, Buffer.alloc(0), 1)],
      // A literal header without indexing, whose name is `a` and whose value is empty.
      frame(FRAME.continuation, Buffer.alloc(16_000, Buffer.from([0, 1, 0x61, 0])), 1),
      4000,
    ],
  ])("%s, whose answers nobody reads, is cut off or ignored, in bounded memory", async (_case, opening, one, count) => {
    const [host, port] = harness.address.split(":");
    const socket = connect(Number(port), host);
    socket.on("error", () => {});
    socket.pause();
    socket.write(Buffer.concat(opening));
    const batch = Buffer.concat(Array<Buffer>(100).fill(one));
    for (let i = 0; i < count / 100 && !socket.destroyed; i += 1) await written(socket, batch);
    console.log(`${_case}: ${socket.destroyed ? "cut off" : "ignored"}`);
    socket.destroy();
    await expectCalm();
  });

  test("200 connections that never finish their first line costs nobody anything", async () => {
    const [host, port] = harness.address.split(":");
    const sockets = Array.from({ length: 200 }, () => connect(Number(port), host));
    for (const socket of sockets) socket.on("error", () => {});
    for (const byte of PREFACE.subarray(0, 20)) {
      for (const socket of sockets) socket.write(Buffer.of(byte));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const stranger = harness.connect();
    expect((await stranger.join(await harness.params("alice"))).success).toBe(true);
    expect((await stranger.leave("alice")).success).toBe(true);
    for (const socket of sockets) socket.destroy();
    await expectCalm();
  });
});

/** Resolves when the kernel has taken it, the peer has gone, or nobody takes it for half a second. */
function written(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, 500);
    socket.write(bytes, () => {
      clearTimeout(timer);
      // A turn for the server, which shares this event loop.
      setImmediate(done);
    });
  });
}
