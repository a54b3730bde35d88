// `/metrics`, `/health`, `/healthz` and `/readyz`: read by machines, on a port of their own, so that a bridge that is full of
// audio is asked without a gRPC client. Nothing here changes anything, and nothing secret is told.

import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { BridgeError } from "../errors.js";

export interface MetricsEndpoints {
  /** The text format of Prometheus. */
  scrape(): Promise<{ readonly contentType: string; readonly text: string }>;
  health(): { readonly status: string };
  /** Why no work should be sent here, if so. */
  unready(): string | undefined;
  /** Something threw; whoever asked has been told 500. */
  failed(error: unknown): void;
}

export interface MetricsServer {
  readonly port: number;
  /** Idempotent; cuts off whoever still reads. */
  close(): Promise<void>;
}

const CONNECTIONS_MAX = 32;
const HEADERS_MAX_BYTES = 8192;
/** A request must have arrived within this, and an answer be taken. */
const REQUEST_TIMEOUT_MS = 5000;
const SOCKET_TIMEOUT_MS = 10_000;
const TIMEOUT_CHECK_MS = 1000;

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly contentType?: string;
}

const NOT_FOUND: Answer = { status: 404, text: "not found: /metrics, /health, /healthz, /readyz\n" };
const NOT_ALLOWED: Answer = { status: 405, text: "only GET and HEAD\n" };
const FAILED: Answer = { status: 500, text: "internal error\n" };

export async function startMetricsServer(
  { host, port }: { readonly host: string; readonly port: number },
  endpoints: MetricsEndpoints,
): Promise<MetricsServer> {
  const answer = (request: IncomingMessage) => answerOf(request, endpoints);
  const options = {
    maxHeaderSize: HEADERS_MAX_BYTES,
    headersTimeout: REQUEST_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: SOCKET_TIMEOUT_MS,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
  };
  const server = createServer(options, (request, response) => {
    // Nobody here reads a body.
    request.resume();
    response.on("error", () => response.destroy());
    answer(request).then(
      (found) => send(response, found),
      (error: unknown) => {
        endpoints.failed(error);
        send(response, FAILED);
      },
    );
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.timeout = SOCKET_TIMEOUT_MS;
  await listen(server, host, port);
  // A process that has run out of descriptors hears of it here, at each connection it cannot take.
  server.on("error", (error) => endpoints.failed(error));
  let closing: Promise<void> | undefined;
  return {
    port: (server.address() as AddressInfo).port,
    close: () => (closing ??= close(server)),
  };
}

async function answerOf({ method, url = "" }: IncomingMessage, endpoints: MetricsEndpoints): Promise<Answer> {
  if (method !== "GET" && method !== "HEAD") return NOT_ALLOWED;
  const [path] = url.split("?", 1);
  switch (path) {
    case "/metrics": {
      const { contentType, text } = await endpoints.scrape();
      return { status: 200, contentType, text };
    }
    case "/health": {
      const health = endpoints.health();
      const status = health.status === "SERVING" ? 200 : 503;
      return { status, contentType: "application/json", text: `${JSON.stringify(health)}\n` };
    }
    // Whoever reads this has been answered by the event loop; there is no more to being alive.
    case "/healthz":
      return { status: 200, text: "ok\n" };
    case "/readyz": {
      const reason = endpoints.unready();
      return reason === undefined ? { status: 200, text: "ok\n" } : { status: 503, text: `${reason}\n` };
    }
    default:
      return NOT_FOUND;
  }
}

function send(response: ServerResponse, { status, text, contentType = "text/plain; charset=utf-8" }: Answer): void {
  const allow = status === 405 ? { allow: "GET, HEAD" } : {};
  response.writeHead(status, {
    "content-type": contentType,
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...allow,
  });
  response.end(text);
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    await new Promise<void>((done, failed) => {
      server.once("error", failed);
      server.listen(port, host, () => {
        server.off("error", failed);
        done();
      });
    });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const isInUse = code === "EADDRINUSE";
    const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    const why = isInUse ? "address already in use" : message;
    throw new BridgeError(
      isInUse ? "address_in_use" : "address_invalid",
      `cannot listen on ${address} for metrics (BRIDGE_METRICS_HOST, BRIDGE_METRICS_PORT): ${why}`,
    );
  }
}

function close(server: Server): Promise<void> {
  return new Promise((done) => {
    server.close(() => done());
    server.closeAllConnections();
  });
}
