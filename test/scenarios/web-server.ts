// A web server of the test process, for what a bridge is to play. Its address is a private one, which bridges have to be
// allowed.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface WebServer {
  add(path: string, file: Uint8Array): string;
  close(): Promise<void>;
}

export async function startWebServer(address: string): Promise<WebServer> {
  const files = new Map<string, Uint8Array>();
  const server = createServer((request, response) => {
    const file = files.get(request.url ?? "");
    if (file) response.writeHead(200, { "content-length": file.length }).end(file);
    else response.writeHead(404).end();
  });
  await new Promise<void>((done) => server.listen(0, address, done));
  const { port } = server.address() as AddressInfo;
  return {
    add(path, file) {
      files.set(path, file);
      return `http://${address}:${port}${path}`;
    },
    close() {
      server.closeAllConnections();
      return new Promise((done) => server.close(() => done()));
    },
  };
}
