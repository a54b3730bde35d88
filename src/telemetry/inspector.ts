// `--inspect`: a relay of our own between single sessions and Stately's inspector, for whoever sits at this machine. Why
// not the package's own server: docs/decisions/0003-inspector.md.

import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { WebSocketServer } from "ws";
import { BridgeError } from "../errors.js";
import { isOwnHost, isOwnOrigin } from "./inspector-access.js";
import { CONTENT_SECURITY_POLICY, errorPage, listPage, sessionPage } from "./inspector-pages.js";
import type { SupervisorRef } from "./inspector-sessions.js";
import { InspectorSessions } from "./inspector-sessions.js";
import { InspectorViewer } from "./inspector-viewer.js";
import { InspectorWatches } from "./inspector-watches.js";
import type { Logger } from "./logger.js";

export interface InspectorOptions {
  readonly supervisor: SupervisorRef;
  /** 0 takes a free one. */
  readonly port: number;
  readonly logger: Pick<Logger, "warn">;
}

export interface InspectorRelay {
  readonly url: string;
  readonly port: number;
  /** Also happens by itself when the supervisor ends. Idempotent. */
  close(): Promise<void>;
}

const LOOPBACK = "127.0.0.1";
export const VIEWERS_MAX = 8;
const CONNECTIONS_MAX = 64;
/** Viewers have nothing to say. */
const VIEWER_MESSAGE_MAX_BYTES = 1024;
/** WebSocket close code of RFC 6455: the server goes away. */
const GOING_AWAY = 1001;
const SESSION_PAGE = /^\/session\/(\d{1,15})$/;
const SESSION_SOCKET = /^\/session\/(\d{1,15})\/ws$/;

export async function startInspectorRelay(options: InspectorOptions): Promise<InspectorRelay> {
  const relay = new Relay(options);
  await relay.listen(options.port);
  return relay;
}

class Relay implements InspectorRelay {
  readonly #supervisor: SupervisorRef;
  readonly #logger: InspectorOptions["logger"];
  readonly #sessions: InspectorSessions;
  readonly #watches: InspectorWatches;
  readonly #viewers = new Set<InspectorViewer>();
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  #closing: Promise<void> | undefined;

  constructor({ supervisor, logger }: InspectorOptions) {
    this.#supervisor = supervisor;
    this.#logger = logger;
    this.#sessions = new InspectorSessions(supervisor, () => void this.close());
    this.#watches = new InspectorWatches(supervisor, (error) => logger.warn({ error }, "Inspector failed"));
    this.#server = createServer((request, response) => this.#answer(request, response));
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    const limits = { maxPayload: VIEWER_MESSAGE_MAX_BYTES, perMessageDeflate: false };
    this.#sockets = new WebSocketServer({ noServer: true, ...limits });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  get url(): string {
    return `http://${LOOPBACK}:${this.port}/`;
  }

  async listen(port: number): Promise<void> {
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once("error", reject);
        this.#server.listen(port, LOOPBACK, resolve);
      });
    } catch (error) {
      this.#sessions.close();
      throw new BridgeError("address_in_use", `the inspector cannot listen on ${LOOPBACK}:${port}`, { cause: error });
    }
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#sessions.close();
    this.#watches.close(GOING_AWAY, "the bridge has stopped");
    const closed = new Promise((resolve) => this.#server.close(resolve));
    // The close frames are written; nobody waits for those who would not answer them.
    setImmediate(() => {
      for (const viewer of this.#viewers) viewer.terminate();
      this.#server.closeAllConnections();
    });
    await closed;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const [status, html] = this.#route(request);
    response.writeHead(status, {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": CONTENT_SECURITY_POLICY,
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-resource-policy": "same-origin",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cache-control": "no-store",
    });
    response.end(request.method === "HEAD" ? "" : html);
  }

  #route(request: IncomingMessage): [status: number, html: string] {
    if (!isOwnHost(request)) return [403, errorPage("This name is not the inspector's")];
    if (request.method !== "GET" && request.method !== "HEAD") return [405, errorPage("Pages can only be read")];
    const { wallNow } = this.#supervisor.getSnapshot().context;
    if (request.url === "/") return [200, listPage(this.#sessions.list(), wallNow())];
    const found = this.#find(SESSION_PAGE, request);
    return found ? [200, sessionPage(found.listed)] : [404, errorPage("There is no such session")];
  }

  #find(path: RegExp, { url }: IncomingMessage): ReturnType<InspectorSessions["find"]> {
    const generation = path.exec(url ?? "")?.[1];
    return generation === undefined ? undefined : this.#sessions.find(Number(generation));
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // A connection that breaks meanwhile has nobody else to tell.
    socket.on("error", () => socket.destroy());
    if (!isOwnHost(request) || !isOwnOrigin(request)) return refuse(socket, "403 Forbidden");
    if (!this.#find(SESSION_SOCKET, request) || this.#closing) return refuse(socket, "404 Not Found");
    if (this.#viewers.size >= VIEWERS_MAX) return refuse(socket, "503 Service Unavailable");
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => this.#view(request, webSocket));
  }

  #view(request: IncomingMessage, socket: WebSocket): void {
    const found = this.#find(SESSION_SOCKET, request);
    if (!found) return socket.close(GOING_AWAY, "the session has ended");
    const { session, listed } = found;
    const dropped = () => {
      this.#viewers.delete(viewer);
      this.#watches.remove(session, viewer);
    };
    const viewer = new InspectorViewer(socket, () => {
      this.#logger.warn({ generation: listed.generation }, "Inspector page dropped: it does not read");
      dropped();
    });
    socket.on("error", () => socket.terminate());
    socket.on("close", dropped);
    this.#viewers.add(viewer);
    this.#watches.add(session, viewer);
  }
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
