// Ways over TCP to servers on this machine. The library is a socket of UDP here.

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Relay } from "../../../src/livekit/datachannel/ice-servers.js";
import { LOOPBACK } from "../../../src/livekit/datachannel/stream-tunnel.js";
import { StreamWays } from "../../../src/livekit/datachannel/stream-ways.js";
import { eventually } from "../../support/eventually.js";
import { createSimulatedClock } from "../../support/simulated-clock.js";

const DIRECT = { isRelayed: false, loopbackPort: undefined };
const RELAYED = { isRelayed: true, loopbackPort: undefined };
/** Both as they are: a datagram of ICE, framed, and a message of TURN, which is its own frame. */
const ICE_FRAME = Buffer.from([0, 2, 0x68, 0x69]);
const TURN_MESSAGE = Buffer.from([0x40, 0, 0, 0]);

const passive = (port: number, host = LOOPBACK) => `candidate:7 1 tcp 2105 ${host} ${port} typ host tcptype passive`;
const relayAt = (port: number, transport: Relay["transport"] = "tcp", host = LOOPBACK): Relay => {
  return { host, port, transport, username: "u", credential: "c" };
};
const socketsOfUdp = () => process.getActiveResourcesInfo().filter((name) => name === "UDPWrap").length;

/** A server of TCP. */
async function startServer() {
  const connections: Socket[] = [];
  let bytes = Buffer.alloc(0);
  const server = createServer((connection) => {
    connections.push(connection);
    connection.on("error", () => undefined);
    connection.on("data", (chunk) => (bytes = Buffer.concat([bytes, chunk])));
  });
  onTestFinished(() => {
    for (const connection of connections) connection.destroy();
    server.close();
  });
  server.listen(0, LOOPBACK);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const isReached = () => eventually("something has come", () => bytes.length > 0);
  const last = () => connections.at(-1) ?? expect.fail("no connection");
  return { port, connections, isReached, last, bytes: () => bytes };
}

/** A port of UDP, as the library has one. */
async function startLibrary() {
  const socket = createSocket("udp4");
  let heard = 0;
  socket.on("message", () => (heard += 1));
  onTestFinished(() => void socket.close());
  socket.bind(0, LOOPBACK);
  await once(socket, "listening");
  const send = (port: number, datagram: Buffer) => socket.send(datagram, port, LOOPBACK);
  const hears = async (from: Socket, frame: Buffer) => {
    const before = heard;
    from.write(frame);
    await eventually("the library hears it", () => heard > before);
  };
  return { send, hears };
}

async function setUp() {
  const library = await startLibrary();
  await eventually("nothing is left of the test before", () => socketsOfUdp() === 1);
  const added: { candidate: string; mid: string }[] = [];
  const lost: string[] = [];
  const clock = createSimulatedClock();
  const ways = new StreamWays({ clock, lost: (why) => lost.push(why) });
  onTestFinished(() => ways.close());
  const add = (candidate: string, mid: string) => void added.push({ candidate, mid });
  const isAdded = (count: number) => eventually(`${count} are added`, () => added.length === count);
  /** How many tunnels there are, beside the library. */
  const open = () => socketsOfUdp() - 1;
  const areOpen = (count: number) => eventually(`${count} are open`, () => open() === count);
  const portOf = (index: number) => Number(added[index]?.candidate.split(" ")[5]);
  /** A way to a server, which has been spoken by, and answered when it is to be in use. */
  const openDirect = async ({ isAnswered = true } = {}) => {
    const server = await startServer();
    const index = added.length;
    ways.learn(passive(server.port), "0");
    ways.tryDirect(add);
    await isAdded(index + 1);
    library.send(portOf(index), Buffer.from("hi"));
    await server.isReached();
    if (isAnswered) await library.hears(server.last(), ICE_FRAME);
    return { server, port: portOf(index) };
  };
  const openRelay = async ({ isAnswered = true } = {}) => {
    const server = await startServer();
    const [relay] = await ways.relays([relayAt(server.port)]);
    library.send(relay?.port ?? 0, TURN_MESSAGE);
    await server.isReached();
    if (isAnswered) await library.hears(server.last(), TURN_MESSAGE);
    return server;
  };
  return { library, ways, added, lost, clock, add, isAdded, open, areOpen, portOf, openDirect, openRelay };
}

describe("ways over TCP to the server", () => {
  it.each([
    ["is passive", "candidate:7 1 tcp 2105 192.0.2.1 7881 typ host tcptype passive"],
    ["comes from a description", "a=candidate:7 1 tcp 2105 192.0.2.1 7881 typ host tcptype passive"],
    ["says more", "candidate:7 1 TCP 2105 192.0.2.1 7881 typ host generation 0 tcptype passive ufrag x"],
    ["is of IPv6", "candidate:7 1 tcp 2105 2001:db8::1 7881 typ host tcptype passive"],
  ])("are learnt from a candidate that %s", async (_, candidate) => {
    const { ways, added, add, isAdded, portOf } = await setUp();
    ways.learn(candidate, "3");
    ways.tryDirect(add);
    await isAdded(1);
    expect(added).toEqual([{ candidate: `candidate:7 1 udp 2105 127.0.0.1 ${portOf(0)} typ host`, mid: "3" }]);
  });

  it.each([
    ["is of UDP", "candidate:7 1 udp 2105 192.0.2.1 7881 typ host"],
    ["is active", "candidate:7 1 tcp 2105 192.0.2.1 9 typ host tcptype active"],
    ["opens from both sides", "candidate:7 1 tcp 2105 192.0.2.1 7881 typ host tcptype so"],
    ["is of another component", "candidate:7 2 tcp 2105 192.0.2.1 7881 typ host tcptype passive"],
    ["has a name for an address", "candidate:7 1 tcp 2105 server.example 7881 typ host tcptype passive"],
    ["is hidden by mDNS", "candidate:7 1 tcp 2105 f00d.local 7881 typ host tcptype passive"],
    ["is none", "nonsense"],
  ])("are not learnt from a candidate that %s", async (_, candidate) => {
    const { ways, open, add } = await setUp();
    ways.learn(candidate, "0");
    ways.tryDirect(add);
    expect(open()).toBe(0);
  });

  it("are four at most, and each address is one", async () => {
    const { ways, open, add, added, isAdded } = await setUp();
    for (const port of [1, 1, 2, 3, 1]) ways.learn(passive(port), "0");
    ways.tryDirect(add);
    expect(open()).toBe(3);
    for (const port of [3, 4, 5, 6]) ways.learn(passive(port), "0");
    await isAdded(4);
    expect([open(), new Set(added.map(({ candidate }) => candidate)).size]).toEqual([4, 4]);
  });

  it("are not opened before they are tried, and once only", async () => {
    const { ways, open, add, isAdded } = await setUp();
    ways.learn(passive(1), "0");
    expect(open()).toBe(0);
    ways.tryDirect(add);
    ways.tryDirect(add);
    await isAdded(1);
    expect(open()).toBe(1);
  });

  it("lead to it, those learnt late as well, and connect when the library speaks", async () => {
    const { ways, library, add, isAdded, portOf } = await setUp();
    const servers = [await startServer(), await startServer()] as const;
    ways.learn(passive(servers[0].port), "0");
    ways.tryDirect(add);
    await isAdded(1);
    ways.learn(passive(servers[1].port), "0");
    await isAdded(2);
    for (const [index, server] of servers.entries()) {
      expect(server.connections).toEqual([]);
      library.send(portOf(index), Buffer.from("hi"));
      await server.isReached();
      expect(server.bytes()).toEqual(ICE_FRAME);
      await library.hears(server.last(), ICE_FRAME);
    }
  });
});

describe("relays", () => {
  it("over UDP are the library's own", async () => {
    const { ways, open } = await setUp();
    expect(await ways.relays([relayAt(3478, "udp", "relay.example")])).toEqual([
      { hostname: "relay.example", port: 3478, username: "u", password: "c", relayType: "TurnUdp" },
    ]);
    expect(open()).toBe(0);
  });

  it.each(["localhost", LOOPBACK])("over TCP are reached by the loopback interface, as at %s", async (host) => {
    const { ways, library, open } = await setUp();
    const server = await startServer();
    const [relay] = await ways.relays([relayAt(server.port, "tcp", host)]);
    expect(relay).toMatchObject({ hostname: LOOPBACK, username: "u", password: "c", relayType: "TurnUdp" });
    expect([open(), server.connections]).toEqual([1, []]);
    library.send(relay?.port ?? 0, TURN_MESSAGE);
    await server.isReached();
    expect(server.bytes()).toEqual(TURN_MESSAGE);
    await library.hears(server.last(), TURN_MESSAGE);
  });

  it("over TLS are greeted as TLS is, by their name", async () => {
    const { ways, library } = await setUp();
    const server = await startServer();
    const [relay] = await ways.relays([relayAt(server.port, "tls", "localhost")]);
    library.send(relay?.port ?? 0, TURN_MESSAGE);
    await server.isReached();
    expect([server.bytes()[0], server.bytes()[1], server.bytes().includes("localhost")]).toEqual([22, 3, true]);
  });
});

describe("once a way is chosen", () => {
  it("the others to the server are closed, and relays too, and it goes on", async () => {
    const { ways, library, lost, areOpen, openDirect, openRelay } = await setUp();
    const [chosen, other, relay] = [await openDirect(), await openDirect(), await openRelay()];
    expect(ways.settle({ isRelayed: false, loopbackPort: chosen.port })).toBe(true);
    await areOpen(1);
    await eventually("the others are closed", () => [other.server, relay].every((server) => server.last().closed));
    await library.hears(chosen.server.last(), ICE_FRAME);
    expect([chosen.server.last().closed, lost]).toEqual([false, []]);
  });

  it("over UDP, all over TCP are closed", async () => {
    const { ways, areOpen, openDirect, openRelay } = await setUp();
    await openDirect();
    await openRelay();
    expect(ways.settle(DIRECT)).toBe(false);
    await areOpen(0);
  });

  it("by a relay, relays stay", async () => {
    const { ways, library, areOpen, openDirect, openRelay } = await setUp();
    const relay = await openRelay();
    await openDirect();
    expect(ways.settle(RELAYED)).toBe(false);
    await areOpen(1);
    await library.hears(relay.last(), TURN_MESSAGE);
  });

  it("nothing new is opened", async () => {
    const { ways, add, added, open } = await setUp();
    ways.learn(passive(1), "0");
    ways.settle(DIRECT);
    ways.tryDirect(add);
    ways.learn(passive(2), "0");
    expect([open(), added]).toEqual([0, []]);
  });

  it.each([
    ["settled", (ways: StreamWays) => ways.settle(DIRECT)],
    ["closed", (ways: StreamWays) => ways.close()],
  ])("or all is %s, one that was just being opened is not added", async (_, end) => {
    const { ways, add, added, open, areOpen } = await setUp();
    ways.learn(passive(1), "0");
    ways.tryDirect(add);
    expect(open()).toBe(1);
    end(ways);
    await areOpen(0);
    expect(added).toEqual([]);
  });
});

describe("the transport has lost its way", () => {
  it("when the one that it goes by ends, which is told once", async () => {
    const { ways, lost, areOpen, openDirect } = await setUp();
    const { server, port } = await openDirect();
    ways.settle({ isRelayed: false, loopbackPort: port });
    server.last().end();
    await areOpen(0);
    expect(lost).toEqual(["its connection over TCP ended: the far side closed it"]);
  });

  it("when the relay that it goes by ends", async () => {
    const { ways, lost, areOpen, openRelay } = await setUp();
    const relay = await openRelay();
    ways.settle(RELAYED);
    relay.last().resetAndDestroy();
    await areOpen(0);
    expect(lost).toEqual([expect.stringMatching(/^its connection over TCP ended: .*ECONNRESET/)]);
  });

  it("but not when one ends by which nothing ever came", async () => {
    const { lost, areOpen, openDirect, openRelay } = await setUp();
    const [direct, relay] = [await openDirect({ isAnswered: false }), await openRelay({ isAnswered: false })];
    for (const server of [direct.server, relay]) server.last().resetAndDestroy();
    await areOpen(0);
    expect(lost).toEqual([]);
  });

  it("but not when one ends by which nothing has come for 10 s", async () => {
    const { lost, clock, areOpen, openDirect } = await setUp();
    const { server } = await openDirect();
    await clock.advance(10_000);
    server.last().end();
    await areOpen(0);
    expect(lost).toEqual([]);
  });

  it("but not when it has closed all, which leaves nothing, however often", async () => {
    const { ways, lost, areOpen, openDirect, openRelay } = await setUp();
    const servers = [(await openDirect()).server, await openRelay()];
    ways.close();
    ways.close();
    await areOpen(0);
    await eventually("the connections are closed", () => servers.every((server) => server.last().closed));
    expect(lost).toEqual([]);
  });
});
