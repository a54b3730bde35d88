// The client under its old name: every member that clouds already call, and what it promises.

import { describe, expect, test } from "vitest";
import { LiveKitGrpcClient } from "../../../src/client/cloud/livekit-grpc-client.js";
import { eventually } from "../../support/eventually.js";
import { oldClients } from "./old-clients.js";
import { createScene } from "./scene.js";

const scene = createScene({ kind: "new" });
const oldClient = oldClients(scene);

describe("the address is", () => {
  const of = (bridgeUrl: string | undefined, env: Record<string, string>) => {
    const session = { userId: "u", logger: scene.logger, audioManager: { processAudioData: () => {} } };
    const { client } = new LiveKitGrpcClient(session, bridgeUrl, { env, channels: scene.pool() });
    scene.after(() => client.dispose());
    return client.address;
  };
  const env = { LIVEKIT_GRPC_SOCKET: "/run/bridge.sock", LIVEKIT_GRPC_BRIDGE_URL: "bridge-of-env:9090" };

  test("the socket, before the argument, before the environment's, before the usual one", () => {
    expect(of("bridge:1", env)).toBe("unix:/run/bridge.sock");
    expect(of("bridge:1", { ...env, LIVEKIT_GRPC_SOCKET: "" })).toBe("bridge:1");
    expect(of(undefined, { LIVEKIT_GRPC_BRIDGE_URL: "bridge-of-env:9090" })).toBe("bridge-of-env:9090");
    expect(of(undefined, {})).toBe("livekit-bridge:9090");
  });
});

describe("connect", () => {
  test("joins with what it was given, the user's id as target, and hands audio to the audio manager", async () => {
    const { client, userId, heard, params, joins } = oldClient();
    const given = params("room-1");
    expect(await client.connect(given)).toBe(undefined);
    expect([client.isConnected(), client.isConnecting()]).toEqual([true, false]);
    const [join] = await joins();
    const { url: livekit_url, roomName: room_name, token } = given;
    expect(join?.request).toEqual({ user_id: userId, room_name, token, livekit_url, target_identity: userId });
    await scene.bridge.send(userId, [640]);
    await eventually("it is heard", () => heard.length === 1);
    expect(Buffer.isBuffer(heard[0])).toBe(true);
  });

  test("rejects with the bridge's text, and is then neither connected nor connecting", async () => {
    const { client, userId, params } = oldClient();
    await scene.bridge.once({ JoinRoom: { failure: "failed to connect to room: no" } }, userId);
    expect((await scene.failure(client.connect(params()))).message).toBe("failed to connect to room: no");
    expect([client.isConnected(), client.isConnecting()]).toEqual([false, false]);
    await client.connect(params());
    expect(client.isConnected()).toBe(true);
  });

  test("while connecting joins the pending attempt, and is connecting until the stream is accepted", async () => {
    const { client, userId, params, joins } = oldClient();
    await scene.bridge.set({ StreamAudio: { headers: "with-first-chunk" } }, userId);
    const connected = [client.connect(params()), client.connect(params())];
    await eventually("the stream is open", async () => (await scene.bridge.counts()).streams === 1);
    expect([client.isConnected(), client.isConnecting()]).toEqual([false, true]);
    await scene.bridge.send(userId, [640]);
    await Promise.all(connected);
    expect(await joins()).toHaveLength(1);
  });

  test("to another room while connecting goes there", async () => {
    const { client, userId, params, joins } = oldClient();
    await scene.bridge.once({ JoinRoom: { hangs: true } }, userId);
    const first = client.connect(params("a"));
    await eventually("the join is under way", async () => (await joins()).length === 1);
    await Promise.all([first, client.connect(params("b"))]);
    expect((await joins()).map(({ request }) => request["room_name"])).toEqual(["a", "b"]);
  });

  test("to another room while connected goes there; to the same one, it is there", async () => {
    const { client, params, joins } = oldClient();
    await client.connect(params("a"));
    await client.connect(params("a"));
    await client.connect(params("b"));
    expect((await joins()).map(({ request }) => request["room_name"])).toEqual(["a", "b"]);
  });

  test("after dispose, or disposed meanwhile, rejects with LiveKitGrpcClient is disposed", async () => {
    const { client, userId, params } = oldClient();
    await scene.bridge.set({ JoinRoom: { hangs: true } }, userId);
    const pending = scene.failure(client.connect(params()));
    client.dispose();
    client.dispose();
    for (const error of [
      await pending,
      await scene.failure(client.connect(params())),
      await scene.failure(client.rejoin()),
    ]) {
      expect([error.code, error.message]).toEqual(["disposed", "LiveKitGrpcClient is disposed"]);
    }
    expect([client.isConnected(), client.isConnecting()]).toEqual([false, false]);
  });
});

test("keepConnected tells of the first failure and goes on trying", async () => {
  const { client, userId, params } = oldClient();
  await scene.bridge.once({ JoinRoom: { failure: "not yet" } }, userId);
  expect((await scene.failure(client.keepConnected(params()))).message).toBe("not yet");
  await eventually("it connects behind the caller's back", () => client.isConnected());
});

describe("tokens", () => {
  test("the caller's is used once, then a fresh one is minted for each join", async () => {
    const minted: string[] = [];
    const mint = async () => {
      const token = scene.token();
      minted.push(token);
      return token;
    };
    const { client, params, joins } = oldClient({ mint });
    const given = params();
    await client.connect(given);
    await client.rejoin();
    await client.rejoin();
    expect((await joins()).map(({ request }) => request["token"])).toEqual([given.token, ...minted]);
    expect(minted).toHaveLength(2);
  });

  test("one that came while a stream was up, or on its way, is not kept for a later join", async () => {
    const fresh = scene.token();
    const { client, userId, params, joins } = oldClient({ mint: () => Promise.resolve(fresh) });
    await scene.bridge.set({ JoinRoom: { delayMs: 50 } }, userId);
    await Promise.all([client.connect(params()), client.connect(params())]);
    await client.connect(params());
    await scene.bridge.cut(userId);
    await eventually("it is back", async () => (await joins()).length === 2 && client.isConnected());
    expect((await joins())[1]?.request["token"]).toBe(fresh);
  });

  test("without a mint the caller's is used again", async () => {
    const { client, params, joins } = oldClient({ mint: () => Promise.resolve(null) });
    const given = params();
    await client.connect(given);
    await client.rejoin();
    expect((await joins()).map(({ request }) => request["token"])).toEqual([given.token, given.token]);
  });
});

describe("rejoin", () => {
  test("joins again, with what it is given changed", async () => {
    const { client, userId, params, joins } = oldClient();
    await client.connect(params("a"));
    expect(await client.rejoin({ roomName: "b", targetIdentity: "the phone" })).toBe(undefined);
    expect((await joins())[1]?.request).toMatchObject({ room_name: "b", target_identity: "the phone" });
    expect(await scene.bridge.calls("LeaveRoom", userId)).toHaveLength(0);
  });

  test("before any connect is refused", async () => {
    const { client } = oldClient();
    expect((await scene.failure(client.rejoin())).code).toBe("invalid_argument");
  });
});

test("disconnect ends the stream and leaves with its reason; connect works again", async () => {
  const { client, userId, params } = oldClient();
  await client.connect(params());
  expect(await client.disconnect()).toBe(undefined);
  expect(client.isConnected()).toBe(false);
  const [leave] = await scene.bridge.calls("LeaveRoom", userId);
  expect(leave?.request["reason"]).toBe("User disconnected");
  await client.connect(params());
});

test("sendAudioChunk sends; what is not taken is counted, and logged once per jam", async () => {
  const { client, userId, params } = oldClient();
  const warnings = () =>
    scene.lines.filter(({ fields, message }) => fields["userId"] === userId && message === "Dropping uplink audio");
  expect([client.sendAudioChunk(Buffer.alloc(320)), client.sendAudioChunk(Buffer.alloc(320))]).toEqual([
    undefined,
    undefined,
  ]);
  expect([client.client.stats.bytesDroppedUplink, warnings().length]).toEqual([640, 1]);
  await client.connect(params());
  client.sendAudioChunk(Buffer.alloc(320));
  await eventually("it is there", async () => (await scene.bridge.received(userId)).totals.bytes === 320);
});

describe("getStatus never rejects", () => {
  test("and has the keys of the wire, with times as numbers", async () => {
    const { client, userId, params } = oldClient();
    await client.connect(params());
    const status = {
      connected: true,
      participant_id: `cloud-agent:${userId}`,
      participant_count: 2,
      server_version: "9.9.9",
    };
    expect(await client.getStatus()).toEqual({ ...status, last_disconnect_at: 0, last_disconnect_reason: "" });
    await client.disconnect();
    const after = await client.getStatus();
    expect([after.connected, after.last_disconnect_reason]).toEqual([false, "left"]);
    expect(after.last_disconnect_at).toBeGreaterThan(1e12);
  });

  test("unimplemented, rpc_error, exception, client_disposed say why the bridge could not be asked", async () => {
    const { client, userId } = oldClient();
    const reason = async () => (await client.getStatus()).last_disconnect_reason;
    await scene.bridge.once({ GetStatus: { error: { code: "UNIMPLEMENTED" } } }, userId);
    expect(await reason()).toBe("unimplemented");
    await scene.bridge.once({ GetStatus: { error: { code: "INTERNAL" } } }, userId);
    expect(await reason()).toBe("rpc_error");
    client.dispose();
    expect(await reason()).toBe("client_disposed");
    const broken = scene.pool();
    broken.lease = () => {
      throw new TypeError("broken");
    };
    const answer = await oldClient({ channels: broken }).client.getStatus();
    expect([answer.connected, answer.last_disconnect_reason]).toEqual([false, "exception"]);
  });
});

test("what has no meaning any more does no harm", () => {
  const { client } = oldClient();
  expect([client.enableSubscribe(), client.disableSubscribe(), client.onEvent()]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  client.setLogLevel("trace");
});
