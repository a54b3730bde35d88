// Ways in which a connection to the server does not come about.

import { once } from "node:events";
import type { RequestListener, ServerResponse } from "node:http";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { LeaveRequest_Action } from "@livekit/protocol";
import { describe, expect, it, onTestFinished } from "vitest";
import { openSignal, type SignalConnection } from "../../../src/livekit/datachannel/signal-connection.js";
import { RoomConnectError } from "../../../src/livekit/room.js";
import { eventually } from "../../support/eventually.js";
import { createSimulatedClock } from "../../support/simulated-clock.js";
import { startRefusingServer, startSignalServer } from "./signal-server.js";

const TIMEOUT_MS = 1000;
const TOKEN = `${"h".repeat(40)}.${"p".repeat(200)}.${"s".repeat(43)}`;
const MEGABYTE = "x".repeat(1024 * 1024);

function open(url: string) {
  const clock = createSimulatedClock();
  const caller = new AbortController();
  const unwanted: SignalConnection[] = [];
  const lost: string[] = [];
  let isSettled = false;
  const opening = openSignal(
    {
      clock,
      url,
      token: TOKEN,
      timeoutMs: TIMEOUT_MS,
      signal: caller.signal,
      fault: () => undefined,
      listener: { message: () => undefined, lost: (why) => void lost.push(why) },
    },
    (connection) => {
      unwanted.push(connection);
      return connection.leave();
    },
  );
  const outcome = opening.then(
    () => new Error("it opened"),
    (error: unknown) => (error instanceof Error ? error : new Error("what is no error was thrown")),
  );
  void outcome.then(() => (isSettled = true));
  return { clock, caller, unwanted, lost, opening, outcome, isSettled: () => isSettled };
}

/** Why a connection to a server that answers so does not open. */
async function refusalOf(answer: RequestListener): Promise<RoomConnectError> {
  const server = await startRefusingServer(answer);
  onTestFinished(server.stop);
  const { outcome, clock } = open(server.url);
  const error = await outcome;
  expect(error).toBeInstanceOf(RoomConnectError);
  expect(clock.pending).toBe(0);
  return error as RoomConnectError;
}

/** A server that accepts connections and does no more than it is told. */
async function startMute(onConnection: (socket: Socket) => void): Promise<{ url: string; accepted: Socket[] }> {
  const accepted: Socket[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    accepted.push(socket);
    onConnection(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of accepted) socket.destroy();
    server.close();
  });
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, accepted };
}

describe("a server that refuses", () => {
  it.each([
    [401, "unauthorized"],
    [403, "unauthorized"],
    [404, "unreachable"],
    [429, "unreachable"],
    [500, "unreachable"],
    [503, "unreachable"],
    [200, "unreachable"],
  ])("is understood by its status, and its words are kept short: %s is %s", async (status, code) => {
    const error = await refusalOf((_request, response) => response.writeHead(status).end(MEGABYTE));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(new RegExp(`^HTTP ${status}: x{300}(?:$| \\()`));
  });

  it("may say nothing", async () => {
    const error = await refusalOf((_request, response) => response.writeHead(401).end());
    expect([error.code, error.message]).toEqual(["unauthorized", "HTTP 401"]);
  });

  it("may fall silent, or fall, in the middle of what it says", async () => {
    const error = await refusalOf((_request, response) => {
      response.writeHead(503, { "content-length": 1000 }).write("it is");
      setTimeout(() => response.destroy(), 20);
    });
    expect([error.code, error.message]).toEqual(["unreachable", "HTTP 503: it is"]);
    const server = await startRefusingServer((_request, response) => {
      response.writeHead(503, { "content-length": 1000 }).write("it is");
    });
    onTestFinished(server.stop);
    const { outcome, clock, isSettled } = open(server.url);
    await clock.advance(TIMEOUT_MS - 1);
    expect(isSettled()).toBe(false);
    await clock.advance(1);
    expect(await outcome).toMatchObject({ code: "timeout" });
  });

  it("is not followed elsewhere, where it would have the token", async () => {
    const elsewhere = await startSignalServer();
    onTestFinished(elsewhere.stop);
    const location = elsewhere.url.replace("ws", "http");
    const error = await refusalOf((_request, response) => response.writeHead(302, { location }).end());
    expect([error.code, elsewhere.requests]).toEqual(["unreachable", []]);
  });

  it.each([0, 100, 290, 299])("never has the token repeated, be it behind %s characters, in pieces", async (before) => {
    const error = await refusalOf((request, response) => {
      const text = `${"x".repeat(before)}${request.headers.authorization}${"y".repeat(500)}`;
      response.writeHead(500).write(text.slice(0, 310));
      setTimeout(() => response.end(text.slice(310)), 20);
    });
    expect(error.message).not.toMatch(/h{5}|p{5}|s{5}/);
    expect(JSON.stringify([error, String(error.cause)])).not.toContain(TOKEN);
  });
});

describe("a server that is not there", () => {
  it("is unreachable when nobody listens, and the error holds no token", async () => {
    const server = await startSignalServer();
    await server.stop();
    const { outcome, clock } = open(server.url);
    const error = await outcome;
    expect(error).toMatchObject({ code: "unreachable" });
    expect(`${error.message} ${String(error.cause)}`).not.toContain(TOKEN);
    expect(clock.pending).toBe(0);
  });

  it.each(["", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "nonsense\r\n\r\n"])(
    "is unreachable when it hangs up after saying %j",
    async (words) => {
      const { url } = await startMute((socket) => socket.once("data", () => socket.end(words)));
      const { outcome, clock } = open(url);
      expect(await outcome).toMatchObject({ code: "unreachable" });
      expect(clock.pending).toBe(0);
    },
  );

  it("is late when it accepts and says nothing, and is hung up on then", async () => {
    const { url, accepted } = await startMute((socket) => void socket.resume());
    const { outcome, clock, isSettled } = open(url);
    await eventually("it has accepted", () => accepted.length === 1);
    await clock.advance(TIMEOUT_MS - 1);
    expect(isSettled()).toBe(false);
    await clock.advance(1);
    expect(await outcome).toMatchObject({ code: "timeout" });
    await eventually("it is hung up on", () => accepted[0]?.destroyed === true);
    expect(clock.pending).toBe(0);
  });
});

describe("an attempt that is given up", () => {
  it("before it began asks nobody", async () => {
    const server = await startSignalServer();
    onTestFinished(server.stop);
    const caller = new AbortController();
    caller.abort();
    const parts = { clock: createSimulatedClock(), url: server.url, token: TOKEN, timeoutMs: TIMEOUT_MS };
    const listener = { message: () => undefined, lost: () => undefined };
    const opening = openSignal({ ...parts, signal: caller.signal, listener, fault: () => undefined }, (unwanted) =>
      unwanted.leave(),
    );
    await expect(opening).rejects.toMatchObject({ code: "aborted" });
    expect(server.requests).toEqual([]);
  });

  it("while the server thinks waits for its answer, and what comes is taken back first", async () => {
    const server = await startSignalServer();
    onTestFinished(server.stop);
    const letThrough = server.holdUpgrades();
    const { caller, outcome, unwanted, isSettled, lost, clock } = open(server.url);
    await eventually("it was asked", () => server.requests.length === 1);
    caller.abort();
    await clock.advance(TIMEOUT_MS / 2);
    expect([isSettled(), unwanted]).toEqual([false, []]);
    letThrough();
    expect(await outcome).toMatchObject({ code: "aborted" });
    expect([unwanted.length, lost, clock.pending]).toEqual([1, [], 0]);
    const far = await server.conversation();
    expect(far.allHeard("leave").map(({ action }) => action)).toEqual([LeaveRequest_Action.DISCONNECT]);
    expect(far.isOver).toBe(true);
  });

  it.each([
    ["refuses", 401],
    ["says nothing", undefined],
  ])("is an attempt that was given up, also when the server %s", async (_, status) => {
    const asked: ServerResponse[] = [];
    const server = await startRefusingServer((_request, response) => void asked.push(response));
    onTestFinished(server.stop);
    const { caller, outcome, unwanted, clock } = open(server.url);
    await eventually("it was asked", () => asked.length === 1);
    caller.abort();
    if (status !== undefined) asked[0]?.writeHead(status).end();
    else await clock.advance(TIMEOUT_MS);
    expect(await outcome).toMatchObject({ code: "aborted" });
    expect([unwanted, clock.pending]).toEqual([[], 0]);
  });

  it("after it has succeeded is a connection like any other", async () => {
    const server = await startSignalServer();
    onTestFinished(server.stop);
    const { caller, opening, unwanted, lost } = open(server.url);
    const connection = await opening;
    caller.abort();
    expect(connection.tell({ case: "simulate", value: {} })).toBe(true);
    await (await server.conversation()).hears("simulate");
    expect([unwanted, lost]).toEqual([[], []]);
    await connection.close();
  });
});
