// From `connect` to an accepted stream, and what may go wrong on the way.

import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { createBridgeClient } from "../../../src/client/create-bridge-client.js";
import { eventually } from "../../support/eventually.js";
import type { CodeName } from "../stand-in/behaviour.js";
import type { StandIn } from "../stand-in/stand-in.js";
import { createScene } from "./scene.js";

const scene = createScene({ kind: "new" });

test("connect resolves when the bridge has accepted the stream, not before", async () => {
  const { client, userId } = scene.user();
  await scene.bridge.set({ StreamAudio: { headers: "with-first-chunk" } }, userId);
  let isSettled = false;
  const connected = client.connect().finally(() => (isSettled = true));
  await eventually("the stream is open", async () => (await scene.bridge.counts()).streams === 1);
  expect([isSettled, client.state]).toEqual([false, "joining"]);
  await scene.bridge.send(userId, [640]);
  expect(await connected).toMatchObject({ participantId: `cloud-agent:${userId}`, bridgeVersion: "9.9.9" });
  expect(client.state).toBe("streaming");
});

test("connect tells how the join came about: joining, joined, streaming", async () => {
  const { client, states } = scene.user();
  const told: string[] = [];
  client.on("joined", ({ session }) => told.push(`joined ${session !== undefined}, ${client.state}`));
  client.on("streaming", () => told.push(`streaming, ${client.state}`));
  await client.connect();
  expect(states).toEqual(["joining", "streaming"]);
  expect(told).toEqual(["joined true, joining", "streaming, streaming"]);
  expect(client.stats).toMatchObject({ joins: 1, lastAudioAtMs: undefined });
});

test("JoinRoom carries what the join callback gave, and the user's id as target if it named none", async () => {
  const token = scene.token();
  const { client, userId } = scene.user({
    join: () => ({ url: "wss://livekit.example", roomName: "the room", token }),
  });
  await client.connect();
  const [join] = await scene.bridge.calls("JoinRoom", userId);
  const target = { room_name: "the room", token, livekit_url: "wss://livekit.example", target_identity: userId };
  expect(join?.request).toEqual({ user_id: userId, ...target });
});

test("connect while connecting joins the pending attempt: one JoinRoom", async () => {
  const { client, userId } = scene.user();
  await scene.bridge.set({ JoinRoom: { delayMs: 100 } }, userId);
  const infos = await Promise.all([client.connect(), client.connect({ retry: false }), client.rejoin()]);
  expect(new Set(infos).size).toBe(1);
  expect(await client.connect()).toBe(infos[0]);
  expect(await scene.bridge.calls("JoinRoom", userId)).toHaveLength(1);
});

test("connect with retry goes on until a join works", async () => {
  const { client, userId, failures } = scene.user();
  for (let nth = 0; nth < 3; nth += 1) await scene.bridge.once({ JoinRoom: { failure: "not yet" } }, userId);
  await client.connect();
  expect(failures.map(({ error, attempt }) => `${attempt} ${error.message}`)).toEqual([
    "1 not yet",
    "2 not yet",
    "3 not yet",
  ]);
});

describe("whatever fails on the way leaves the client idle and able to connect again", () => {
  const limits = { joinTargetTimeoutMs: 300, joinTimeoutMs: 500, acceptTimeoutMs: 500 };

  for (const [what, code, behaviour] of failuresOfTheBridge()) {
    test(`${what}: ${code}`, async () => {
      const { client, userId, failures } = scene.user({ limits });
      await scene.bridge.once(behaviour, userId);
      const error = await scene.failure(client.connect({ retry: false }));
      expect([error.code, client.state]).toEqual([code, "idle"]);
      expect(failures.every(({ retryInMs }) => retryInMs === undefined)).toBe(true);
      await client.connect();
      expect(client.state).toBe("streaming");
    });
  }

  const callbacks: Readonly<Record<string, () => Promise<never>>> = {
    throws: () => Promise.reject(new Error("the keys are gone")),
    hangs: () => new Promise(() => {}),
  };
  for (const [what, fails] of Object.entries(callbacks)) {
    test(`the join callback ${what}: join_target_failed`, async () => {
      let isFirst = true;
      const join = () => {
        if (!isFirst) return { url: "", roomName: "room", token: scene.token() };
        isFirst = false;
        return fails();
      };
      const { client } = scene.user({ limits, join });
      const error = await scene.failure(client.connect({ retry: false }));
      expect([error.code, client.state]).toEqual(["join_target_failed", "idle"]);
      await client.connect();
    });
  }

  test("nobody listens at the address: unavailable", async () => {
    const { client } = scene.user({ address: "127.0.0.1:1" });
    const error = await scene.failure(client.connect({ retry: false }));
    expect([error.code, client.state]).toEqual(["unavailable", "idle"]);
  });

  test("who listens at the address says nothing: unavailable within the limit for connecting", async () => {
    const { client } = scene.user({ address: await deafServer(), limits: { connectTimeoutMs: 300 } });
    const error = await scene.failure(client.connect({ retry: false }));
    expect([error.code, client.state]).toEqual(["unavailable", "idle"]);
  });
});

test("a refused join rejects with the bridge's own text", async () => {
  const { client, userId } = scene.user();
  const text = "failed to connect to room: no permissions to access the room";
  await scene.bridge.once({ JoinRoom: { failure: text } }, userId);
  expect((await scene.failure(client.connect({ retry: false }))).message).toBe(text);
});

test("a client that was refused twice over by retry: false tries no more", async () => {
  const { client, userId } = scene.user();
  await scene.bridge.set({ JoinRoom: { failure: "no" } }, userId);
  await scene.failure(client.connect({ retry: false }));
  await scene.failure(client.connect({ retry: false }));
  await client.status();
  expect(await scene.bridge.calls("JoinRoom", userId)).toHaveLength(2);
});

test("every call but the stream has a deadline", async () => {
  const { client, userId } = scene.user({
    limits: { joinTimeoutMs: 3000, callTimeoutMs: 2000, playbackMaxMs: 60_000 },
  });
  await client.connect();
  for await (const _ of client.play({ url: "http://x/y.mp3" })) continue;
  await client.stop();
  await client.status();
  await client.disconnect();
  const calls = await scene.bridge.calls(undefined, userId);
  const limitOf = (rpc: string) => ({ JoinRoom: 3000, PlayAudio: 60_000, StreamAudio: undefined })[rpc] ?? 2000;
  for (const { rpc, deadlineInMs } of calls) {
    if (rpc === "StreamAudio") expect(deadlineInMs).toBe(undefined);
    else expect([rpc, (deadlineInMs ?? Infinity) <= limitOf(rpc) + 50]).toEqual([rpc, true]);
  }
  expect(calls.map(({ rpc }) => rpc)).toEqual([
    "JoinRoom",
    "StreamAudio",
    "PlayAudio",
    "StopAudio",
    "GetStatus",
    "LeaveRoom",
  ]);
});

test("a bridge that answers nothing holds up no call beyond its deadline, and no leave", async () => {
  const { client, userId } = scene.user({ limits: { callTimeoutMs: 200 } });
  await client.connect();
  const hangs = { hangs: true };
  await scene.bridge.set({ StopAudio: hangs, GetStatus: hangs, LeaveRoom: hangs }, userId);
  const errors = await Promise.all([scene.failure(client.stop()), scene.failure(client.status())]);
  expect(errors.map(({ code }) => code)).toEqual(["deadline_exceeded", "deadline_exceeded"]);
  await client.disconnect();
  expect(client.state).toBe("idle");
});

test("a user id must not be empty", () => {
  const join = () => ({ url: "", roomName: "", token: "" });
  expect(() => createBridgeClient({ userId: "", address: "127.0.0.1:1", join })).toThrow("userId");
});

type Planned = Parameters<StandIn["once"]>[0];

function failuresOfTheBridge(): readonly (readonly [what: string, code: string, behaviour: Planned])[] {
  const codes: Partial<Record<CodeName, string>> = {
    CANCELLED: "aborted",
    UNKNOWN: "internal",
    INVALID_ARGUMENT: "invalid_argument",
    DEADLINE_EXCEEDED: "deadline_exceeded",
    NOT_FOUND: "not_found",
    ALREADY_EXISTS: "internal",
    PERMISSION_DENIED: "permission_denied",
    RESOURCE_EXHAUSTED: "resource_exhausted",
    FAILED_PRECONDITION: "failed_precondition",
    ABORTED: "internal",
    OUT_OF_RANGE: "internal",
    UNIMPLEMENTED: "unimplemented",
    INTERNAL: "internal",
    UNAVAILABLE: "unavailable",
    DATA_LOSS: "internal",
    UNAUTHENTICATED: "unauthenticated",
  };
  const statuses = Object.entries(codes) as [CodeName, string][];
  const inOrder = { "bridge-end-reason": "replaced" };
  return [
    ["an answer of failure", "join_failed", { JoinRoom: { failure: "no room" } }],
    ["a JoinRoom that hangs", "deadline_exceeded", { JoinRoom: { hangs: true } }],
    ["a stream that is never accepted", "not_accepted", { StreamAudio: { headers: "never" } }],
    ["a stream that is refused", "not_found", { StreamAudio: { refusal: { code: "NOT_FOUND" } } }],
    ["a stream that ends at once", "stream_ended", { StreamAudio: { refusal: { code: "OK", metadata: inOrder } } }],
    ...statuses.map(([name, code]) => [`JoinRoom ${name}`, code, { JoinRoom: { error: { code: name } } }] as const),
  ];
}

/** Takes connections, and never says a word of HTTP/2. */
async function deafServer(): Promise<string> {
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  scene.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
