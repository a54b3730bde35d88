// LiveKit's end of the WebSocket, on loopback, which says what a test tells it to say, true or not.

import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { gunzipSync } from "node:zlib";
import { JoinRequest, SignalRequest, SignalResponse, WrappedJoinRequest } from "@livekit/protocol";
import { type WebSocket, WebSocketServer } from "ws";
import { eventually } from "../../support/eventually.js";

export type Saying = NonNullable<NonNullable<ConstructorParameters<typeof SignalResponse>[0]>["message"]>;
type Heard = SignalRequest["message"];
type HeardCase = NonNullable<Heard["case"]>;
type HeardValue<C extends HeardCase> = Extract<Heard, { case: C }>["value"];

/** One connection of a client. */
export class Conversation {
  readonly socket: WebSocket;
  readonly request: IncomingMessage;
  readonly heard: Heard[] = [];
  isOver = false;
  #onHeard: (message: Heard) => void = () => undefined;

  constructor(socket: WebSocket, request: IncomingMessage) {
    this.socket = socket;
    this.request = request;
    socket.on("message", (data: Buffer) => {
      const { message } = SignalRequest.fromBinary(data);
      this.heard.push(message);
      this.#onHeard(message);
    });
    socket.on("error", () => undefined);
    socket.on("close", () => (this.isOver = true));
  }

  get joinRequest(): JoinRequest {
    const text = new URL(this.request.url ?? "", "ws://h").searchParams.get("join_request") ?? "";
    const { joinRequest } = WrappedJoinRequest.fromBinary(Buffer.from(text, "base64url"));
    return JoinRequest.fromBinary(gunzipSync(joinRequest));
  }

  say(message: Saying): void {
    this.socket.send(new SignalResponse({ message }).toBinary());
  }

  /** Every message that comes from now on. */
  onHeard(callback: (message: Heard) => void): void {
    this.#onHeard = callback;
  }

  allHeard<C extends HeardCase>(name: C): HeardValue<C>[] {
    return this.heard.flatMap((message) => (message.case === name ? [message.value as HeardValue<C>] : []));
  }

  /** The last of these, once there are so many. */
  async hears<C extends HeardCase>(name: C, count = 1): Promise<HeardValue<C>> {
    await eventually(`${count} times ${name}`, () => this.allHeard(name).length >= count);
    return this.allHeard(name).at(-1) as HeardValue<C>;
  }
}

export interface SignalServer {
  readonly url: string;
  readonly conversations: readonly Conversation[];
  /** Requests for a connection, refused ones included. */
  readonly requests: readonly IncomingMessage[];
  /** Once there are so many. */
  conversation(count?: number): Promise<Conversation>;
  /** Upgrades wait until the function it returns is called. */
  holdUpgrades(): () => void;
  stop(): Promise<void>;
}

export async function startSignalServer(
  converse: (conversation: Conversation, index: number) => void = () => undefined,
): Promise<SignalServer> {
  const webSockets = new WebSocketServer({ noServer: true });
  const conversations: Conversation[] = [];
  const requests: IncomingMessage[] = [];
  let held: (() => void)[] | undefined;
  const server = createServer();
  server.on("upgrade", (request, socket, head) => {
    requests.push(request);
    socket.on("error", () => undefined);
    const accept = () =>
      webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        const conversation = new Conversation(webSocket, request);
        conversations.push(conversation);
        converse(conversation, conversations.length - 1);
      });
    if (held) held.push(accept);
    else accept();
  });
  const { url, stop } = await listen(server);
  return {
    url,
    conversations,
    requests,
    async conversation(count = 1) {
      await eventually(`${count} connections`, () => conversations.length >= count);
      const found = conversations[count - 1];
      if (!found) throw new Error("no such connection");
      return found;
    },
    holdUpgrades() {
      const waiting: (() => void)[] = [];
      held = waiting;
      return () => {
        held = undefined;
        for (const accept of waiting) accept();
      };
    },
    stop,
  };
}

/** A server that answers every request for a WebSocket as if it had asked for a page. */
export function startRefusingServer(answer: RequestListener): Promise<{ url: string; stop(): Promise<void> }> {
  return listen(createServer(answer));
}

async function listen(server: Server): Promise<{ url: string; stop(): Promise<void> }> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      if (server.listening) await once(server, "close");
    },
  };
}
