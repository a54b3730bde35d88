// The inspector's counterpart in tests: an open page without a browser, and a bare HTTP request that may lie.

import { request } from "node:http";
import type { OutgoingHttpHeaders } from "node:http";
import { WebSocket } from "ws";

export interface WireMessage {
  readonly type: "@xstate.actor" | "@xstate.event" | "@xstate.snapshot";
  readonly sessionId: string;
  readonly rootId: string;
  readonly name?: string;
  readonly parentId?: string;
  readonly sourceId?: string;
  readonly definition?: string;
  readonly event?: { readonly type: string; readonly [field: string]: unknown };
  readonly snapshot?: {
    readonly status: string;
    readonly value?: unknown;
    readonly context?: { readonly [field: string]: unknown };
    readonly error?: string;
    readonly output?: unknown;
  };
}

export interface Viewer {
  readonly socket: WebSocket;
  /** As they came. */
  readonly texts: string[];
  readonly messages: () => WireMessage[];
  /** Types of the events seen, in order. */
  readonly events: () => string[];
  readonly closed: Promise<{ code: number; reason: string }>;
}

/** Rejects when the relay refuses. */
export async function openViewer(port: number, generation: number, headers: OutgoingHttpHeaders = {}): Promise<Viewer> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/session/${generation}/ws`, { headers });
  const texts: string[] = [];
  socket.on("message", (data: Buffer) => texts.push(data.toString()));
  const closed = new Promise<{ code: number; reason: string }>((done) => {
    socket.on("close", (code, reason) => done({ code, reason: reason.toString() }));
  });
  await new Promise<void>((done, failed) => {
    socket.once("open", done);
    socket.once("error", failed);
  });
  socket.on("error", () => {});
  const messages = () => texts.map((text) => JSON.parse(text) as WireMessage);
  const events = () => messages().flatMap(({ type, event }) => (type === "@xstate.event" && event ? [event.type] : []));
  return { socket, texts, messages, events, closed };
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

export function ask(port: number, path: string, headers: OutgoingHttpHeaders = {}, method = "GET"): Promise<Answer> {
  return new Promise((done, failed) => {
    const asked = request({ host: "127.0.0.1", port, path, headers, method, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const { statusCode = 0, headers: answered } = response;
        done({ status: statusCode, headers: answered, body: Buffer.concat(chunks).toString() });
      });
    });
    asked.on("error", failed);
    asked.end();
  });
}
