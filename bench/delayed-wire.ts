// A TCP wire with a delay each way, as between two regions.

import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

export interface DelayedWire {
  readonly address: string;
  close(): void;
}

export async function startDelayedWire(target: string, delayMs: number): Promise<DelayedWire> {
  const [host, port] = target.split(":");
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ host, port: Number(port), noDelay: true });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("error", () => {});
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on("data", (bytes) => setTimeout(() => to.destroyed || to.write(bytes), delayMs));
    }
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
