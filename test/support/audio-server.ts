// A web server for audio on loopback, which serves what a test gives it, as well or as badly as it says.

import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

export type Serve = (request: IncomingMessage, response: ServerResponse) => void;

export interface AudioServer {
  readonly port: number;
  /** Serves a file or a behaviour, and returns its URL. */
  add(path: string, what: Uint8Array | Serve): string;
  /** Requests so far, by path. */
  readonly requests: Map<string, number>;
  /** Connections open now. */
  readonly open: number;
  /** Connections since the start. */
  readonly accepted: number;
  close(): Promise<void>;
}

export async function startAudioServer(): Promise<AudioServer> {
  const routes = new Map<string, Uint8Array | Serve>();
  const requests = new Map<string, number>();
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createServer((request, response) => {
    const path = (request.url ?? "").split("?")[0] ?? "";
    requests.set(path, (requests.get(path) ?? 0) + 1);
    const what = routes.get(path);
    if (typeof what === "function") what(request, response);
    else if (what) response.writeHead(200, { "content-length": what.length }).end(what);
    else response.writeHead(404).end("not here");
  });
  server.on("connection", (socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    add(path, what) {
      routes.set(path, what);
      return `http://127.0.0.1:${port}${path}`;
    },
    requests,
    get open() {
      return sockets.size;
    },
    get accepted() {
      return accepted;
    },
    close() {
      server.closeAllConnections();
      return new Promise((done) => server.close(() => done()));
    },
  };
}

/** Sends the first bytes of a file at once and the rest when told to. */
export function inTwoParts(file: Uint8Array, splitAt: number): { readonly serve: Serve; finish(): void } {
  const waiting: (() => void)[] = [];
  return {
    serve(_request, response) {
      response.writeHead(200, { "content-length": file.length });
      response.write(file.subarray(0, splitAt));
      waiting.push(() => response.end(file.subarray(splitAt)));
    },
    finish() {
      for (const go of waiting.splice(0)) go();
    },
  };
}

/** A body made while it is sent, only as fast as it is taken. `written` counts what the server has given away. */
export function poured(header: Uint8Array, bodyBytes: number, piece: Uint8Array) {
  const progress = { written: 0 };
  const serve: Serve = (_request, response) => {
    response.writeHead(200, { "content-length": header.length + bodyBytes });
    response.write(header);
    let left = bodyBytes;
    const pour = () => {
      while (left > 0 && !response.destroyed) {
        const next = piece.subarray(0, Math.min(left, piece.length));
        left -= next.length;
        progress.written += next.length;
        if (!response.write(next)) {
          response.once("drain", pour);
          return;
        }
      }
      if (left === 0) response.end();
    };
    pour();
  };
  return { serve, progress };
}
