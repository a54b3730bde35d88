// A tunnel between sockets of the system: one of UDP, as the library has it, and a server of TCP.

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from "node:net";
import { expect, onTestFinished } from "vitest";
import { FrameReader, ICE_TCP_FRAMING, type Framing } from "../../../src/livekit/datachannel/stream-framing.js";
import { LOOPBACK, StreamTunnel } from "../../../src/livekit/datachannel/stream-tunnel.js";
import { eventually } from "../../support/eventually.js";
import { createSimulatedClock } from "../../support/simulated-clock.js";

/** A port of UDP, which is free again when the test is over. */
export async function bindLocal(port = 0) {
  const socket = createSocket("udp4");
  const heard: string[] = [];
  socket.on("message", (bytes) => heard.push(bytes.toString()));
  let isClosed = false;
  const close = () => {
    if (!isClosed) socket.close();
    isClosed = true;
  };
  onTestFinished(close);
  socket.bind({ address: LOOPBACK, port, exclusive: true });
  await once(socket, "listening");
  return { socket, heard, close };
}

/** A server of TCP, and the datagrams that have come on each connection. */
async function startFarSide(framing: Framing) {
  const connections: Socket[] = [];
  const heard: Buffer[] = [];
  const server = createServer({ pauseOnConnect: true }, (connection) => {
    const reader = new FrameReader(framing);
    connections.push(connection);
    connection.on("error", () => undefined);
    connection.on("data", (chunk: Buffer) => reader.push(chunk, (bytes) => heard.push(bytes)));
  });
  onTestFinished(() => {
    for (const connection of connections) connection.destroy();
    server.close();
  });
  server.listen(0, LOOPBACK);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const connection = async () => {
    await eventually("a connection", () => connections.length > 0);
    return connections[0] ?? expect.fail("no connection");
  };
  const say = async (...texts: string[]) => {
    const to = await connection();
    for (const text of texts) to.write(framing.wrap(Buffer.from(text)) ?? "");
  };
  return { server, port, connections, heard, connection, say, texts: () => heard.map(String) };
}

export async function setUp({ framing = ICE_TCP_FRAMING, reads = true, isRefusing = false } = {}) {
  const clock = createSimulatedClock();
  const far = await startFarSide(framing);
  const local = await bindLocal();
  const ended: string[] = [];
  const streams: Socket[] = [];
  const tunnel = await StreamTunnel.open({
    clock,
    framing,
    connect() {
      const stream = connectTcp({ host: LOOPBACK, port: far.port });
      streams.push(stream);
      return stream;
    },
    ended: (why) => ended.push(why),
  });
  onTestFinished(() => tunnel.close());
  if (reads) far.server.on("connection", (connection: Socket) => connection.resume());
  if (isRefusing) far.server.close();
  const send = (bytes: string | Buffer, from = local.socket) =>
    new Promise<void>((resolve, reject) => {
      from.send(bytes, tunnel.port, LOOPBACK, (error) => (error ? reject(error) : resolve()));
    });
  const isHeard = (text: string) => eventually(`"${text}" is there`, () => far.texts().includes(text));
  const isEnded = () => eventually("it has ended", () => ended.length > 0);
  /** Both ways, so that it is a way in use. */
  const greet = async () => {
    await send("hello");
    await isHeard("hello");
    await far.say("welcome");
    await eventually("the answer", () => local.heard.includes("welcome"));
  };
  const stream = () => streams[0] ?? expect.fail("no stream");
  return { clock, far, local, tunnel, ended, streams, stream, send, isHeard, isEnded, greet };
}
