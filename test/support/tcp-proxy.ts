// A wire that can be cut: a TCP proxy between a client and the bridge.

import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

export interface TcpProxy {
  readonly address: string;
  /** FIN both ways, as when a process ends. */
  end(): void;
  /** RST both ways, as when a process is killed. */
  reset(): void;
  /** Nothing passes any more, and nobody is told. */
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
}

export async function startTcpProxy(target: string): Promise<TcpProxy> {
  const [host, port] = target.split(":");
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), host);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => sockets.delete(socket));
    }
    near.pipe(far);
    far.pipe(near);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const all = (action: (socket: Socket) => unknown) => {
    for (const socket of sockets) action(socket);
  };
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
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
