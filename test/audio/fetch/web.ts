// The far side of the tests: servers on loopback that answer with whatever bytes a test wants, and a trap that nobody
// may ever connect to. Everything counts its connections.

import { channel } from "node:diagnostics_channel";
import { type AddressInfo, type Server, type Socket, createServer } from "node:net";
import { afterEach, expect } from "vitest";
import {
  type FetchLimits,
  type FetchParts,
  type UrlOpener,
  createUrlOpener,
} from "../../../src/audio/fetch/open-url.js";
import { FetchError } from "../../../src/audio/fetch/fetch-error.js";
import { systemClock } from "../../../src/time.js";
import { eventually } from "../../support/eventually.js";

export interface Web {
  readonly port: number;
  /** `host:port`, as a policy names it. */
  readonly host: string;
  url(path?: string): string;
  /** Connections so far. */
  readonly connections: number;
  /** Those that are open now. */
  readonly open: number;
  /** The heads of the requests, as they came. */
  readonly heads: readonly string[];
}

type Reply = (socket: Socket, head: string) => void;

const servers = new Map<Server, Set<Socket>>();
const openers: UrlOpener[] = [];

export const limits: FetchLimits = {
  redirectsMax: 3,
  connectTimeoutMs: 3000,
  firstByteTimeoutMs: 5000,
  stallTimeoutMs: 10_000,
  minimumBytesPerSecond: 4096,
  sizeMaxBytes: 1024 * 1024,
};

/** An opener that the end of the test closes. */
export function opener(allowed: readonly string[], parts: Partial<FetchParts> = {}): UrlOpener {
  const made = createUrlOpener({ clock: systemClock, limits, policy: { allowed }, ...parts });
  openers.push(made);
  return made;
}

/** Calls `reply` once for each connection that has sent a whole request head. */
export async function serve(reply: Reply, listenHost = "127.0.0.1"): Promise<Web> {
  const sockets = new Set<Socket>();
  const heads: string[] = [];
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    let head = "";
    socket.on("data", (data) => {
      if (head.endsWith("\r\n\r\n")) return;
      head += data.toString("latin1");
      if (!head.endsWith("\r\n\r\n")) return;
      heads.push(head);
      reply(socket, head);
    });
  });
  servers.set(server, sockets);
  await new Promise<void>((resolve) => server.listen(0, listenHost, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    host: `127.0.0.1:${port}`,
    url: (path = "/") => `http://127.0.0.1:${port}${path}`,
    heads,
    get connections() {
      return connections;
    },
    get open() {
      return sockets.size;
    },
  };
}

/** Listens on every address of this machine and answers with what must never be heard. */
export const trap = (): Promise<Web> => serve((socket) => socket.end(ok("the inside of the network")), "::");

export const ok = (body: string, ...headers: string[]): string => answer("200 OK", body, ...headers);

export function answer(status: string, body: string, ...headers: string[]): string {
  const all = [`HTTP/1.1 ${status}`, `Content-Length: ${Buffer.byteLength(body)}`, "Connection: close", ...headers];
  return `${all.join("\r\n")}\r\n\r\n${body}`;
}

/** The head of an answer with just these headers. */
export const head = (...headers: string[]): string => `${["HTTP/1.1 200 OK", ...headers].join("\r\n")}\r\n\r\n`;

export const redirect = (location: string, status = "302 Found"): string =>
  answer(status, "elsewhere", `Location: ${location}`);

export async function readAll(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Opens and reads to the end. */
export async function fetchText(from: UrlOpener, url: string, signal = new AbortController().signal): Promise<string> {
  const opened = await from.open(url, signal);
  return (await readAll(opened.body)).toString("latin1");
}

/** The FetchError that something ends in, or a failed test. */
export async function failureOf(work: Promise<unknown>): Promise<FetchError> {
  const thrown: unknown = await work.then(
    (value) => new Error(`it succeeded: ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(FetchError);
  return thrown as FetchError;
}

/** Sees the sockets that this process makes as a client, connected or not. */
export function countSockets(): { readonly count: number; readonly sockets: readonly Socket[]; stop(): unknown } {
  const sockets: Socket[] = [];
  const listener = (message: unknown) => void sockets.push((message as { readonly socket: Socket }).socket);
  channel("net.client.socket").subscribe(listener);
  return {
    sockets,
    get count() {
      return sockets.length;
    },
    stop: () => channel("net.client.socket").unsubscribe(listener),
  };
}

afterEach(async () => {
  // By now every download has ended, for whatever reason, so no server may have a connection left.
  await Promise.all(openers.splice(0).map((each) => each.close()));
  const all = [...servers];
  servers.clear();
  for (const [server] of all) server.close();
  await eventually("every connection is closed", () => all.every(([, sockets]) => sockets.size === 0));
});
