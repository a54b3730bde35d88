// Asked of a real server, since what it answers about rooms that are gone and phones that come and go is its own affair.

import { createServer as createHttpServer } from "node:http";
import { createServer, type Server } from "node:net";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createRoomStatus, type RoomStatusOptions } from "../../src/client/cloud/room-status.js";
import {
  LiveKitTokenService,
  mintAgentBridgeToken,
  mintClientPublishToken,
} from "../../src/client/cloud/token-service.js";
import type { RoomEngine } from "../../src/livekit/room.js";
import { systemClock } from "../../src/time.js";
import { eventually } from "../support/eventually.js";
import { type LiveKitServer, requireLiveKitServer, startLiveKitServer } from "../support/livekit-server.js";
import type { RtcParticipant } from "../support/rtc-participant.js";
import { createSimulatedClock } from "../support/simulated-clock.js";

/** What a shared machine may need beyond a limit before anybody looks. */
const ALLOWANCE_MS = 1500;

const keys = { apiKey: "devkey", apiSecret: "a-secret-of-nobody-that-is-long-enough-for-hs256" };

describe.skipIf(requireLiveKitServer() === undefined)("of a room on a real server", () => {
  let server: LiveKitServer;
  let engine: RoomEngine;
  let tokens: LiveKitTokenService;
  const present: RtcParticipant[] = [];

  beforeAll(async () => {
    server = await startLiveKitServer();
    // Loaded here, so that a machine without the native part can skip this file.
    const { createRtcNodeEngine } = await import("../../src/livekit/rtc-node/engine.js");
    const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
    engine = createRtcNodeEngine({ clock: systemClock, logger });
    const { url, apiKey, apiSecret } = server;
    const env = { LIVEKIT_URL: url, LIVEKIT_API_KEY: apiKey, LIVEKIT_API_SECRET: apiSecret };
    tokens = new LiveKitTokenService({ env });
  });

  afterAll(async () => {
    for (const participant of present) await participant.leave();
    await engine?.dispose();
    await server?.stop();
  });

  const status = (more: Partial<RoomStatusOptions> = {}) => createRoomStatus({ ...server, ...more });

  /** The signal that stops a process takes a moment to arrive. */
  async function freeze(): Promise<void> {
    server.freeze();
    const url = `http://127.0.0.1:${server.ports.http}`;
    const isStill = () =>
      fetch(url, { signal: AbortSignal.timeout(200) }).then(
        () => false,
        () => true,
      );
    await eventually("the server stands still", isStill);
  }

  async function join(token: string | null): Promise<RtcParticipant> {
    const { joinRtcParticipant } = await import("../support/rtc-participant.js");
    const participant = await joinRtcParticipant(server.url, String(token));
    present.push(participant);
    return participant;
  }

  it("that is not there, nothing is in it, which is no error", async () => {
    const nothing = { roomExists: false, participants: [], clientInRoom: false, bridgeInRoom: false };
    await expect(status().getRoomStatus("nobody's")).resolves.toEqual(nothing);
    await expect(status().isClientInRoom("nobody's")).resolves.toBe(false);
  });

  it("that is empty, it exists", async () => {
    await server.roomService.createRoom({ name: "empty" });
    const empty = { roomExists: true, participants: [], clientInRoom: false, bridgeInRoom: false };
    await expect(status().getRoomStatus("empty")).resolves.toEqual(empty);
  });

  it.each(["ws", "http", "WS"])("it answers at the %s address", async (scheme) => {
    await server.roomService.createRoom({ name: scheme });
    const url = `${scheme}://127.0.0.1:${server.ports.http}`;
    await expect(status({ url }).getRoomStatus(scheme)).resolves.toMatchObject({ roomExists: true });
  });

  it("phone and bridge are told apart, as they come and go with tokens of the token service", async () => {
    const userId = "alice+1@example.com";
    const beforeMs = Date.now();
    const bridge = await join(await mintAgentBridgeToken(tokens, { userId }));
    await eventually("the bridge is there", async () => (await status().getRoomStatus(userId)).bridgeInRoom);
    const alone = await status().getRoomStatus(userId);
    expect(alone).toMatchObject({ roomExists: true, clientInRoom: false, bridgeInRoom: true });
    expect(alone.participants.map(({ identity }) => identity)).toEqual([`cloud-agent:${userId}`]);
    await expect(status().isClientInRoom(userId)).resolves.toBe(false);

    const phone = await join(await mintClientPublishToken(tokens, { userId }));
    await eventually("the phone is there", () => status().isClientInRoom(userId));
    const both = await status().getRoomStatus(userId);
    expect(both).toMatchObject({ roomExists: true, clientInRoom: true, bridgeInRoom: true });
    for (const { joinedAtMs } of both.participants) {
      expect(joinedAtMs).toBeGreaterThanOrEqual(beforeMs - 1000);
      expect(joinedAtMs).toBeLessThanOrEqual(Date.now() + 1000);
    }
    await expect(status().isClientInRoom(userId)).resolves.toBe(true);

    await phone.leave();
    await eventually("the phone is gone", async () => !(await status().isClientInRoom(userId)));
    await bridge.leave();
    await eventually("the bridge is gone", async () => !(await status().getRoomStatus(userId)).bridgeInRoom);
  });

  it("those who publish a track are told, and are not any more when the track has gone", async () => {
    const isPublishing = async () =>
      (await status().getRoomStatus("carol")).participants.map((one) => one.isPublishing);
    const bridge = await join(await mintAgentBridgeToken(tokens, { userId: "carol" }));
    await bridge.publishData(new Uint8Array(2));
    await eventually("the bridge is there", async () => (await isPublishing())[0] === false);
    const rtc = await import("@livekit/rtc-node");
    const source = new rtc.AudioSource(48_000, 1);
    const track = rtc.LocalAudioTrack.createAudioTrack("speaker", source);
    const publication = await bridge.room.localParticipant?.publishTrack(track, new rtc.TrackPublishOptions());
    await source.captureFrame(new rtc.AudioFrame(new Int16Array(480), 48_000, 1, 480));
    await eventually("the bridge publishes", async () => (await isPublishing())[0] === true);
    await bridge.room.localParticipant?.unpublishTrack(String(publication?.sid), true);
    await eventually("the bridge publishes no more", async () => (await isPublishing())[0] === false);
    await track.close();
  });

  it("with another name than the user's, the user is named", async () => {
    await join(await mintClientPublishToken(tokens, { userId: "bob", roomName: "lobby" }));
    await eventually("the phone is there", () => status().isClientInRoom("bob", { roomName: "lobby" }));
    await expect(status().getRoomStatus("lobby", { userId: "bob" })).resolves.toMatchObject({
      clientInRoom: true,
      bridgeInRoom: false,
    });
    await expect(status().getRoomStatus("lobby")).resolves.toMatchObject({ clientInRoom: false });
    await expect(status().isClientInRoom("bob")).resolves.toBe(false);
  });

  it.each([
    ["secret", { apiSecret: keys.apiSecret }],
    ["key", { apiKey: "unknown" }],
  ])("with a wrong %s, the answer is unauthenticated, without the secret", async (_what, wrong) => {
    const refused = status(wrong).getRoomStatus("empty");
    await expect(refused).rejects.toMatchObject({ name: "BridgeClientError", code: "unauthenticated" });
    const text = await refused.catch((error: Error) => `${error.message} ${String(error.cause)}`);
    expect(text).not.toContain(keys.apiSecret);
    expect(text).not.toContain(server.apiSecret);
  });

  it("on a server that stands still, the limit ends the question, and the next one after it works", async () => {
    await freeze();
    try {
      const startMs = performance.now();
      const asked = status({ timeoutMs: 700 }).getRoomStatus("empty");
      await expect(asked).rejects.toMatchObject({ code: "deadline_exceeded", message: /within 700 ms/ });
      const tookMs = performance.now() - startMs;
      expect(tookMs).toBeGreaterThanOrEqual(699);
      expect(tookMs).toBeLessThan(700 + ALLOWANCE_MS);
    } finally {
      server.thaw();
    }
    await expect(status().getRoomStatus("empty")).resolves.toMatchObject({ roomExists: true });
  });

  it("the caller's signal ends the question at once", async () => {
    await freeze();
    try {
      const caller = new AbortController();
      const asked = status({ clock: createSimulatedClock() }).isClientInRoom("alice", { signal: caller.signal });
      caller.abort(new Error("gone"));
      await expect(asked).rejects.toMatchObject({ code: "aborted", cause: { message: "gone" } });
    } finally {
      server.thaw();
    }
  });

  it("a signal that has fired already asks nothing", async () => {
    const asked = status().getRoomStatus("empty", { signal: AbortSignal.abort() });
    await expect(asked).rejects.toMatchObject({ code: "aborted" });
  });

  it("no timer and no listener is left by a question, however it ends", async () => {
    const clock = createSimulatedClock();
    const { signal } = new AbortController();
    const removed = vi.spyOn(signal, "removeEventListener");
    const added = vi.spyOn(signal, "addEventListener");
    await status({ clock }).getRoomStatus("empty", { signal });
    await expect(status({ clock, apiKey: "unknown" }).isClientInRoom("x", { signal })).rejects.toThrow(/401/);
    expect(clock.pending).toBe(0);
    expect(added).toHaveBeenCalledTimes(2);
    expect(removed).toHaveBeenCalledTimes(2);
  });
});

describe("an answer of LiveKit that is no room", () => {
  async function askOf(status: number, answer: { code?: string; msg?: string } | string) {
    const server = createHttpServer((_request, response) => {
      const isJson = typeof answer !== "string";
      response.writeHead(status, { "content-type": isJson ? "application/json" : "text/html", connection: "close" });
      response.end(isJson ? JSON.stringify(answer) : answer);
    });
    const url = `http://127.0.0.1:${await listen(server)}`;
    return createRoomStatus({ ...keys, url })
      .isClientInRoom("alice")
      .finally(() => server.close());
  }

  it("that the room is not found is no error", async () => {
    await expect(askOf(404, { code: "not_found", msg: "requested room does not exist" })).resolves.toBe(false);
  });

  it.each([
    [400, { code: "malformed", msg: "odd" }, "invalid_argument", "LiveKit answered 400: odd"],
    [403, { code: "permission_denied", msg: "no" }, "permission_denied", "LiveKit answered 403: no"],
    [404, "<p>a web page</p>", "unimplemented", "LiveKit answered 404: <p>a web page</p>"],
    [418, { msg: "teapot" }, "internal", "LiveKit answered 418: teapot"],
    [429, { code: "resource_exhausted", msg: "slow down" }, "resource_exhausted", "LiveKit answered 429: slow down"],
    [503, "", "unavailable", "LiveKit answered 503: "],
    [200, "<p>a web page</p>", "internal", "LiveKit's answer cannot be read"],
  ])("%i %j is %s", async (status, answer, code, message) => {
    await expect(askOf(status, answer)).rejects.toMatchObject({ name: "BridgeClientError", code, message });
  });
});

describe("where no server answers", () => {
  it("a refused connection is unavailable, at once", async () => {
    const startMs = performance.now();
    const asked = createRoomStatus({ ...keys, url: `ws://127.0.0.1:${await unusedPort()}` }).getRoomStatus("alice");
    await expect(asked).rejects.toMatchObject({ code: "unavailable", message: /ECONNREFUSED/ });
    expect(performance.now() - startMs).toBeLessThan(ALLOWANCE_MS);
  });

  it("a name that nobody knows is unavailable", async () => {
    const asked = createRoomStatus({ ...keys, url: "wss://nowhere.invalid" }).isClientInRoom("alice");
    await expect(asked).rejects.toMatchObject({ code: "unavailable" });
  });

  it("a server that takes the connection and says nothing is given up after 3 s, unless told otherwise", async () => {
    const silent = createServer();
    const url = `http://127.0.0.1:${await listen(silent)}`;
    const clock = createSimulatedClock();
    const asked = createRoomStatus({ ...keys, url, clock }).getRoomStatus("alice");
    const outcome = asked.catch((error: unknown) => error);
    await clock.advance(2999);
    expect(clock.pending).toBe(1);
    await clock.advance(1);
    await expect(outcome).resolves.toMatchObject({ code: "deadline_exceeded", message: /within 3000 ms/ });
    silent.close();
  });

  it.each([
    ["url", { url: "ftp://rooms.example" }, "url must be a ws, wss, http or https URL"],
    ["url", { url: "" }, "url must be a ws, wss, http or https URL"],
    ["url", { url: "ws://user:hunter2@rooms.example" }, "url must not hold a user name or password"],
    ["apiKey", { apiKey: "" }, "apiKey and apiSecret must be set"],
    ["apiSecret", { apiSecret: "" }, "apiKey and apiSecret must be set"],
    ["timeoutMs", { timeoutMs: 0 }, "timeoutMs must be from 1 to 60000"],
    ["timeoutMs", { timeoutMs: NaN }, "timeoutMs must be from 1 to 60000"],
  ])("a %s that cannot work is refused before anything is asked: %j", (_what, wrong, message) => {
    const options = { ...keys, url: "wss://rooms.example", ...wrong };
    expect(() => createRoomStatus(options)).toThrow(expect.objectContaining({ code: "invalid_argument", message }));
  });

  it("an empty name is refused", async () => {
    const status = createRoomStatus({ ...keys, url: "wss://rooms.example" });
    await expect(status.getRoomStatus("")).rejects.toThrow("roomName must not be empty");
    await expect(status.isClientInRoom("")).rejects.toThrow("userId must not be empty");
  });
});

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

async function unusedPort(): Promise<number> {
  const probe = createServer();
  const port = await listen(probe);
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

function ignore(): void {
  // Warnings of the engine are no part of this.
}
