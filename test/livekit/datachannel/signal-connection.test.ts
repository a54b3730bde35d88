import { LeaveRequest_Action, Pong, SignalResponse } from "@livekit/protocol";
import { describe, expect, it, onTestFinished } from "vitest";
import { openSignal, type SignalConnection } from "../../../src/livekit/datachannel/signal-connection.js";
import { eventually } from "../../support/eventually.js";
import { createSimulatedClock } from "../../support/simulated-clock.js";
import { startSignalServer, type Saying } from "./signal-server.js";

const messageOf = (message: Saying) => new SignalResponse({ message }).toBinary();
const UPDATE: Saying = { case: "update", value: { participants: [] } };

/** A connection, both its ends, and what its listener has heard. */
async function connect() {
  const server = await startSignalServer();
  onTestFinished(server.stop);
  const clock = createSimulatedClock();
  const heard: string[] = [];
  const lost: string[] = [];
  const faults: unknown[] = [];
  const settings = { onMessage: (): void => undefined };
  const connection: SignalConnection = await openSignal(
    {
      clock,
      url: server.url,
      token: "a.b.c",
      timeoutMs: 1000,
      signal: new AbortController().signal,
      fault: (error) => void faults.push(error),
      listener: {
        message(message) {
          heard.push(message.case ?? "nothing");
          settings.onMessage();
        },
        lost: (why) => void lost.push(why),
      },
    },
    (unwanted) => unwanted.leave(),
  );
  const far = await server.conversation();
  const says = async (saying: Saying) => {
    const before = heard.length;
    far.say(saying);
    await eventually("the client has heard it", () => heard.length > before);
  };
  const isLost = () => eventually("the connection is lost", () => lost.length > 0);
  return { server, clock, connection, far, heard, lost, faults, settings, says, isLost };
}

describe("pings", () => {
  it("are sent at once and every 5 s, until the server asks for another pace", async () => {
    const { clock, connection, far, says } = await connect();
    await far.hears("pingReq", 1);
    await clock.advance(4999);
    expect(far.allHeard("pingReq")).toHaveLength(1);
    await clock.advance(1);
    await far.hears("pingReq", 2);
    await says(UPDATE);
    connection.keepPace({ pingInterval: 2, pingTimeout: 60 });
    await clock.advance(20_000);
    await far.hears("pingReq", 12);
    expect(far.allHeard("pingReq")).toHaveLength(12);
  });

  it("keep their pace when the server names none", async () => {
    const { clock, connection, far, lost } = await connect();
    connection.keepPace({ pingInterval: 0, pingTimeout: 0 });
    await clock.advance(10_000);
    await far.hears("pingReq", 3);
    expect([far.allHeard("pingReq").length, lost]).toEqual([3, []]);
  });

  it("are answered for nobody else to hear", async () => {
    const { far, heard, says } = await connect();
    far.say({ case: "pongResp", value: new Pong() });
    far.say({ case: "pong", value: 1n });
    await says(UPDATE);
    expect(heard).toEqual(["update"]);
  });
});

describe("a server that is silent", () => {
  it("is lost after 15 s and one ping", async () => {
    const { clock, lost, far } = await connect();
    await clock.advance(15_000);
    expect(lost).toEqual([]);
    await clock.advance(5000);
    expect(lost).toEqual(["the server is silent"]);
    await eventually("the connection is closed", () => far.isOver);
    expect(clock.pending).toBe(0);
  });

  it("is lost as soon as the server itself has said it would be", async () => {
    const { clock, connection, lost } = await connect();
    connection.keepPace({ pingInterval: 1, pingTimeout: 2 });
    await clock.advance(2000);
    expect(lost).toEqual([]);
    await clock.advance(1000);
    expect(lost).toEqual(["the server is silent"]);
  });

  it("is not lost while it says anything at all, be it a pong", async () => {
    const { clock, far, lost, says } = await connect();
    for (let i = 0; i < 4; i += 1) {
      await clock.advance(10_000);
      far.say({ case: "pongResp", value: new Pong() });
      // What comes behind the pong tells that the pong has come.
      await says(UPDATE);
    }
    expect(lost).toEqual([]);
  });
});

describe("what cannot be understood", () => {
  it.each([
    ["bytes that are no message", Buffer.from([0xff, 0xff, 0xff])],
    ["a text", "hello"],
    ["a message of more than 16 MB", messageOf({ case: "refreshToken", value: "x".repeat(17 * 1024 * 1024) })],
  ])("ends the connection: %s", async (_, data) => {
    const { far, lost, isLost, heard, clock } = await connect();
    far.socket.send(data);
    far.say(UPDATE);
    await isLost();
    await eventually("the connection is closed", () => far.isOver);
    expect([lost.length, heard, clock.pending]).toEqual([1, [], 0]);
  });

  it("is passed over when it is of a later protocol", async () => {
    const { far, lost, says } = await connect();
    // Field 1000, which nobody has given a meaning yet.
    far.socket.send(Buffer.from([0xc0, 0x3e, 0x01]));
    far.socket.send(Buffer.alloc(0));
    await says(UPDATE);
    expect(lost).toEqual([]);
  });

  it("ends nothing when it is the listener who throws", async () => {
    const { faults, lost, says, settings } = await connect();
    settings.onMessage = () => {
      throw new Error("the listener is broken");
    };
    await says(UPDATE);
    await says(UPDATE);
    expect([faults.map(String), lost]).toEqual([Array(2).fill("Error: the listener is broken"), []]);
  });
});

describe("a connection that is gone", () => {
  it.each([
    ["closed", "closed with 1001"],
    ["cut", "closed with 1006"],
  ])("is told once, and takes no more words: %s", async (how, why) => {
    const { far, lost, isLost, connection, clock } = await connect();
    if (how === "closed") far.socket.close(1001);
    else far.socket.terminate();
    await isLost();
    expect(connection.tell({ case: "simulate", value: {} })).toBe(false);
    await connection.close();
    expect([lost, clock.pending]).toEqual([[why], 0]);
  });

  it("is one whose server reads nothing while a megabyte waits for it", async () => {
    const { far, lost, connection } = await connect();
    far.socket.pause();
    const sdp = "x".repeat(100_000);
    let told = 0;
    while (lost.length === 0 && told < 1000) {
      connection.tell({ case: "offer", value: { sdp } });
      told += 1;
    }
    expect(lost).toEqual(["the server reads nothing"]);
    expect(connection.tell({ case: "offer", value: { sdp } })).toBe(false);
  });
});

describe("a close", () => {
  it("says good-bye when it is a leave, is not told as a loss, and leaves no timer", async () => {
    const { far, lost, connection, clock } = await connect();
    await connection.leave();
    expect(far.allHeard("leave").map(({ action }) => action)).toEqual([LeaveRequest_Action.DISCONNECT]);
    expect([far.isOver, lost, clock.pending]).toEqual([true, [], 0]);
  });

  it("hears nothing any more", async () => {
    const { far, heard, connection } = await connect();
    far.say(UPDATE);
    await connection.close();
    expect(heard).toEqual([]);
  });

  it("waits a second for a server that does not answer, and no longer", async () => {
    const { far, lost, connection, clock } = await connect();
    far.socket.pause();
    let isClosed = false;
    void connection.close().then(() => (isClosed = true));
    await clock.advance(999);
    expect(isClosed).toBe(false);
    await clock.advance(1);
    await connection.close();
    expect([lost, clock.pending]).toEqual([[], 0]);
  });
});
