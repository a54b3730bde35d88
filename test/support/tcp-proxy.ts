// A wire that can be cut: a TCP proxy between a client and the bridge.

import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

export interface TcpProxy {
  readonly address: string;
  /** Sockets that are open, two for each connection. */
  readonly openSockets: number;
  /** FIN both ways, as when a process ends. */
  end(): void;
  /** RST both ways, as when a process is killed. */
  reset(): void;
  /** Nothing passes any more, and nobody is told. */
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
}

/** Listens on `listenHost`, loopback by default. */
export async function startTcpProxy(target: string, listenHost = "127.0.0.1"): Promise<TcpProxy> {
  const [host, port] = target.split(":");
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), host);
    for (const [socket, peer] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        peer.destroySoon();
      });
    }
    near.pipe(far);
    far.pipe(near);
  });
  await new Promise<void>((done) => server.listen(0, listenHost, done));
  const all = (action: (socket: Socket) => unknown) => {
    for (const socket of sockets) action(socket);
  };
  return {
    address: `${listenHost}:${(server.address() as AddressInfo).port}`,
    get openSockets() {
      return sockets.size;
    },
    end: () => all((socket) => socket.end()),
    reset: () => all((socket) => socket.resetAndDestroy()),
    freeze: () => all((socket) => socket.pause()),
    thaw: () => all((socket) => socket.resume()),
    close() {
      all((socket) => socket.destroy());
      return new Promise((done) => server.close(() => done()));
    },
  };
}
