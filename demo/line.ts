// The network between cloud and bridge, as one hop that can be torn: what is written to one end comes out at the other,
// until both ends get a connection reset and nobody has said goodbye.

import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

export interface Line {
  readonly address: string;
  /** Resets every connection. The line itself stays, for whoever connects anew. */
  tear(): void;
  close(): void;
}

export async function openLine(bridgePort: number): Promise<Line> {
  const sockets = new Set<Socket>();
  const adopt = (socket: Socket, other: Socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    // An error is always followed by the close, and that is all there is to know.
    socket.on("error", () => {});
    socket.on("close", () => {
      sockets.delete(socket);
      other.destroy();
    });
    socket.pipe(other);
  };
  const server = createServer((near) => {
    const far = connect(bridgePort, "127.0.0.1");
    adopt(near, far);
    adopt(far, near);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const tear = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    tear,
    close() {
      server.close();
      tear();
    },
  };
}
