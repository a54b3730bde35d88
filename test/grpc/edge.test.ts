// What anybody can send to the port. One call may fail; the process and everybody else's audio may not.

import { Client, credentials } from "@grpc/grpc-js";
import type { ServiceError, StatusObject } from "@grpc/grpc-js";
import { gzipSync } from "node:zlib";
import { connect as connectHttp2 } from "node:http2";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { BridgeHarness } from "../support/embedded-bridge.js";
import { startEmbeddedBridge } from "../support/embedded-bridge.js";
import { eventually } from "../support/eventually.js";

const SERVICE = "/mentra.livekit.bridge.LiveKitBridge";
const bytes = (value: Buffer) => value;

describe("the gRPC edge", () => {
  let harness: BridgeHarness;
  let raw: Client;
  let bystander: ReturnType<typeof harness.client.stream>;
  beforeEach(async () => {
    harness = await startEmbeddedBridge();
    raw = new Client(harness.address, credentials.createInsecure(), {
      "grpc.max_send_message_length": -1,
      "grpc.use_local_subchannel_pool": 1,
    });
    await harness.client.join(await harness.params("bob"));
    bystander = harness.client.stream("bob");
    await bystander.metadata;
  });
  afterEach(async () => {
    const phone = await harness.rooms.join({ identity: "bob", room: "bob" });
    for (let i = 0; i < 50; i += 1) await phone.publishData(Buffer.alloc(640, i));
    await eventually("every packet of the bystander", () => bystander.chunks.length === 50);
    raw.close();
    await harness.stop();
    expect(harness.failures).toEqual([]);
  });

  function stream(...messages: Buffer[]): Promise<StatusObject> {
    const call = raw.makeBidiStreamRequest(`${SERVICE}/StreamAudio`, bytes, bytes);
    call.on("error", () => {});
    call.on("data", () => {});
    for (const message of messages) call.write(message);
    return new Promise((done) => call.on("status", done));
  }

  function unary(method: string, message: Buffer): Promise<ServiceError | null> {
    return new Promise((done) =>
      raw.makeUnaryRequest(`${SERVICE}/${method}`, bytes, bytes, message, (error) => done(error)),
    );
  }

  test("a zero-byte first message is INVALID_ARGUMENT", async () => {
    expect((await stream(Buffer.alloc(0))).code).toBe(3);
  });

  test("a zero-byte later message is a heartbeat", async () => {
    await harness.client.join(await harness.params("alice"));
    const call = harness.client.stream("alice");
    await call.metadata;
    call.call.write({});
    await eventually("a heartbeat", () => harness.bridge.backend.stats().heartbeatsIn === 1);
    expect(call.isEnded()).toBe(false);
  });

  test("random bytes are INTERNAL on that stream", async () => {
    expect((await stream(Buffer.from("ffffffffffff", "hex"))).code).toBe(13);
  });

  test("random bytes in the middle of a stream end that stream and its session", async () => {
    await harness.client.join(await harness.params("alice"));
    const first = Buffer.concat([Buffer.from([0x2a, 5]), Buffer.from("alice")]);
    expect((await stream(first, Buffer.from("ffffffffffff", "hex"))).code).toBe(13);
    await eventually("the session gone", async () => (await harness.client.health()).active_sessions === 1);
  });

  test("a message above 10 MiB is RESOURCE_EXHAUSTED, one below is taken", async () => {
    expect((await stream(Buffer.alloc(11 * 1024 * 1024))).code).toBe(8);
    await harness.client.join(await harness.params("alice"));
    const call = harness.client.stream("alice");
    await call.metadata;
    call.send(Buffer.alloc(9 * 1024 * 1024));
    await eventually("it counted", () => harness.bridge.backend.stats().uplinkBytesIn === 9 * 1024 * 1024);
    expect(call.isEnded()).toBe(false);
  });

  test("a gzip bomb is RESOURCE_EXHAUSTED, and memory stays bounded", async () => {
    const bomb = gzipSync(Buffer.alloc(256 * 1024 * 1024));
    const frame = Buffer.alloc(5 + bomb.length);
    frame.writeUInt8(1, 0);
    frame.writeUInt32BE(bomb.length, 1);
    bomb.copy(frame, 5);
    const session = connectHttp2(`http://${harness.address}`);
    const before = process.memoryUsage.rss();
    const request = session.request({
      ":method": "POST",
      ":path": `${SERVICE}/StreamAudio`,
      "content-type": "application/grpc",
      "grpc-encoding": "gzip",
      te: "trailers",
    });
    const status = new Promise((done) => {
      request.on("response", (headers) => headers["grpc-status"] && done(headers["grpc-status"]));
      request.on("trailers", (headers) => done(headers["grpc-status"]));
    });
    request.resume();
    request.end(frame);
    expect(await status).toBe("8");
    session.destroy();
    expect(process.memoryUsage.rss() - before).toBeLessThan(128 * 1024 * 1024);
  });

  test("an unknown method is UNIMPLEMENTED", async () => {
    expect(await unary("Nonsense", Buffer.alloc(0))).toMatchObject({ code: 12 });
  });

  test("random bytes as a unary request are INTERNAL", async () => {
    expect(await unary("JoinRoom", Buffer.from("ffff", "hex"))).toMatchObject({ code: 13 });
  });

  test.each([300, 70_000, 300_000, 4_000_000])(
    "a user id of %i characters costs its own call and no other",
    async (length) => {
      const status = await harness.client.stream("x".repeat(length)).ended;
      expect(status).toMatchObject({ code: 3, details: "user_id: longer than 256" });
      const play = harness.client.play("x".repeat(length), "http://example.com/a.mp3");
      expect((await play.ended).code).toBe(3);
      expect(await harness.client.leave("x".repeat(length), "y".repeat(length))).toMatchObject({ success: false });
      expect((await harness.client.status("x".repeat(length))).connected).toBe(false);
      expect((await harness.client.health()).active_streams).toBe(1);
    },
  );

  test("a reason of any length is logged in few words", async () => {
    await harness.client.join(await harness.params("alice"));
    await harness.client.leave("alice", "y".repeat(1_000_000));
    expect(Math.max(...harness.logs.map((line) => JSON.stringify(line).length))).toBeLessThan(2000);
  });

  test("a handler that throws behind its first message answers INTERNAL and is counted", async () => {
    const { backend } = harness.bridge;
    const { send } = backend;
    backend.send = () => {
      throw new Error("injected");
    };
    const status = await harness.client.stream("alice").ended;
    backend.send = send;
    expect(status).toMatchObject({ code: 13, details: "internal error" });
    expect(Number((await harness.client.health()).metadata["crashes"])).toBe(1);
  });

  test("calls opened and reset a thousand times harm nobody", async () => {
    for (let i = 0; i < 1000; i += 1) {
      const call = raw.makeBidiStreamRequest(`${SERVICE}/StreamAudio`, bytes, bytes);
      call.on("error", () => {});
      call.cancel();
    }
    expect((await harness.client.health()).active_sessions).toBe(1);
  });

  test("peers that are no HTTP/2 peers are hung up on or ignored", async () => {
    const { connect } = await import("node:net");
    const [host, port] = harness.address.split(":");
    for (const preface of ["GET / HTTP/1.1\r\n\r\n", "\u0000\u0001garbage", "PRI * HTTP/2.0\r\n"]) {
      const socket = connect(Number(port), host);
      socket.on("error", () => {});
      socket.write(preface);
      await new Promise((resolve) => setTimeout(resolve, 20));
      socket.destroy();
    }
    expect((await harness.client.health()).status).toBe("SERVING");
  });

  test("a handler that throws answers INTERNAL at once and is counted", async () => {
    const { backend } = harness.bridge;
    const { status } = backend;
    backend.status = () => {
      throw new Error("injected");
    };
    expect(await unary("GetStatus", Buffer.alloc(0))).toMatchObject({ code: 13 });
    backend.status = status;
    expect(Number((await harness.client.health()).metadata["crashes"])).toBe(1);
  });
});
