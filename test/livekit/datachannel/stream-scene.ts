// Ways over TCP to servers on this machine. The library is a socket of UDP here.

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { expect, onTestFinished } from "vitest";
import type { LocatedRelay, Relay } from "../../../src/livekit/datachannel/ice-servers.js";
import { LOOPBACK } from "../../../src/livekit/datachannel/stream-tunnel.js";
import { StreamWays } from "../../../src/livekit/datachannel/stream-ways.js";
import { eventually } from "../../support/eventually.js";
import { createSimulatedClock } from "../../support/simulated-clock.js";

export const DIRECT = { isRelayed: false, loopbackPort: undefined };
export const RELAYED = { isRelayed: true, loopbackPort: undefined };
/** Both as they are: a datagram of ICE, framed, and a message of TURN, which is its own frame. */
export const ICE_FRAME = Buffer.from([0, 2, 0x68, 0x69]);
export const TURN_MESSAGE = Buffer.from([0x40, 0, 0, 0]);

export const passive = (port: number, host = LOOPBACK) =>
  `candidate:7 1 tcp 2105 ${host} ${port} typ host tcptype passive`;
export const relayAt = (port: number, transport: Relay["transport"] = "tcp", host = LOOPBACK): LocatedRelay => {
  return { host, address: LOOPBACK, port, transport, username: "u", credential: "c" };
};
const socketsOfUdp = () => process.getActiveResourcesInfo().filter((name) => name === "UDPWrap").length;

export async function startServer() {
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

export async function setUp() {
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
  /** As many as are asked for, of which the first has been spoken by, and answered when it is to be in use. */
  const openRelay = async ({ isAnswered = true, count = 1 } = {}) => {
    const server = await startServer();
    const relays = await ways.relays(Array.from({ length: count }, () => relayAt(server.port)));
    const speak = async () => {
      library.send(relays[0]?.port ?? 0, TURN_MESSAGE);
      await server.isReached();
      if (isAnswered) await library.hears(server.last(), TURN_MESSAGE);
    };
    await speak();
    return { ...server, speak };
  };
  return { library, ways, added, lost, clock, add, isAdded, open, areOpen, portOf, openDirect, openRelay };
}
