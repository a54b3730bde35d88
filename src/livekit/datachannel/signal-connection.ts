// The WebSocket to LiveKit: messages of its protocol both ways, and pings of our own, since a server that stands still
// keeps its sockets open.

import {
  DisconnectReason,
  LeaveRequest,
  LeaveRequest_Action,
  Ping,
  SignalRequest,
  SignalResponse,
  type JoinResponse,
} from "@livekit/protocol";
import { WebSocket } from "ws";
import type { Clock } from "../../time.js";
import { RoomConnectError } from "../room.js";

export type SignalMessage = SignalResponse["message"];
export type SignalRequestMessage = NonNullable<NonNullable<ConstructorParameters<typeof SignalRequest>[0]>["message"]>;

export interface SignalListener {
  message(message: SignalMessage): void;
  /** The connection is gone, and nobody here has closed it. At most once, and nothing comes after it. */
  lost(why: string): void;
}

export interface SignalRequestParts {
  readonly clock: Clock;
  readonly url: string;
  readonly token: string;
  readonly timeoutMs: number;
  /** Gives up. */
  readonly signal: AbortSignal;
  readonly listener: SignalListener;
  /** A message could not be handled; the connection goes on. */
  readonly fault: (error: unknown) => void;
}

const PING_EVERY_MS = 5000;
const SILENCE_MAX_MS = 15_000;
/** A room with thousands of participants is announced in one message. */
const MESSAGE_MAX_BYTES = 16 * 1024 * 1024;
/** More than this waiting to be sent is a server that reads nothing. */
const UNSENT_MAX_BYTES = 1024 * 1024;
const ERROR_TEXT_MAX_CHARS = 300;
const CLOSE_MAX_MS = 1000;

export class SignalConnection {
  readonly #socket: WebSocket;
  readonly #parts: SignalRequestParts;
  #pingEveryMs = PING_EVERY_MS;
  #silenceMaxMs = SILENCE_MAX_MS;
  #pingTimer: unknown;
  #heardAtMs: number;
  #isOver = false;
  #closed: Promise<void> | undefined;

  constructor(socket: WebSocket, parts: SignalRequestParts) {
    this.#socket = socket;
    this.#parts = parts;
    this.#heardAtMs = parts.clock.now();
    socket.on("message", (data: Buffer) => this.#onMessage(data));
    socket.on("close", (code) => this.#lose(`closed with ${code}`));
    socket.on("error", (error) => this.#lose(error.message));
    this.#ping();
  }

  /** The server says how often it wants to hear from us, in seconds. */
  keepPace({ pingInterval, pingTimeout }: Pick<JoinResponse, "pingInterval" | "pingTimeout">): void {
    if (pingInterval > 0) this.#pingEveryMs = pingInterval * 1000;
    if (pingTimeout > 0) this.#silenceMaxMs = pingTimeout * 1000;
    this.#schedulePing();
  }

  get isOpen(): boolean {
    return !this.#isOver;
  }

  /** False when it can no longer be sent. */
  tell(message: SignalRequestMessage): boolean {
    if (this.#isOver) return false;
    if (this.#socket.readyState !== WebSocket.OPEN) {
      this.#lose("the server is closing it");
      return false;
    }
    this.#socket.send(new SignalRequest({ message }).toBinary());
    if (this.#socket.bufferedAmount > UNSENT_MAX_BYTES) this.#lose("the server reads nothing");
    return true;
  }

  /** Says good-bye and closes. */
  leave(): Promise<void> {
    const reason = DisconnectReason.CLIENT_INITIATED;
    const action = LeaveRequest_Action.DISCONNECT;
    this.tell({ case: "leave", value: new LeaveRequest({ reason, action }) });
    return this.close();
  }

  /** Idempotent. Resolves when the server has taken what it was told and closed its side, or after a second. */
  close(): Promise<void> {
    this.#closed ??= this.#isOver ? Promise.resolve() : this.#close();
    return this.#closed;
  }

  #close(): Promise<void> {
    const { clock } = this.#parts;
    this.#isOver = true;
    clock.clearTimeout(this.#pingTimer);
    return new Promise((resolve) => {
      // ws waits 30 s for a peer's closing frame; a server that stands still must not hold a socket for so long.
      const cut = clock.setTimeout(() => this.#socket.terminate(), CLOSE_MAX_MS);
      this.#socket.once("close", () => {
        clock.clearTimeout(cut);
        resolve();
      });
      this.#socket.close();
    });
  }

  #lose(why: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#parts.clock.clearTimeout(this.#pingTimer);
    this.#socket.terminate();
    this.#parts.listener.lost(why);
  }

  #onMessage(data: Buffer): void {
    if (this.#isOver) return;
    this.#heardAtMs = this.#parts.clock.now();
    let message: SignalMessage;
    try {
      message = SignalResponse.fromBinary(data).message;
    } catch {
      return this.#lose("the server speaks another protocol");
    }
    if (message.case === "pong" || message.case === "pongResp") return;
    try {
      this.#parts.listener.message(message);
    } catch (error) {
      this.#parts.fault(error);
    }
  }

  #schedulePing(): void {
    const { clock } = this.#parts;
    clock.clearTimeout(this.#pingTimer);
    if (!this.#isOver) this.#pingTimer = clock.setTimeout(() => this.#ping(), this.#pingEveryMs);
  }

  #ping(): void {
    const { clock } = this.#parts;
    if (clock.now() - this.#heardAtMs > this.#silenceMaxMs) return this.#lose("the server is silent");
    this.tell({ case: "pingReq", value: new Ping({ timestamp: BigInt(Math.round(clock.wallNow())), rtt: 0n }) });
    this.#schedulePing();
  }
}

/**
 * Opens a connection. Rejects with `RoomConnectError`; nothing is left then. An attempt that is given up once the request is on
 * its way waits for the server's answer within its time limit and hands the connection to `unwanted`: the server has let
 * somebody in by then, who has to be taken out again. `unwanted` must not reject.
 */
export function openSignal(
  parts: SignalRequestParts,
  unwanted: (connection: SignalConnection) => Promise<void>,
): Promise<SignalConnection> {
  const { clock, url, token, timeoutMs, signal } = parts;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new RoomConnectError("aborted", "given up"));
    const socket = new WebSocket(url, {
      headers: { Authorization: `Bearer ${token}` },
      perMessageDeflate: false,
      maxPayload: MESSAGE_MAX_BYTES,
    });
    const late = clock.setTimeout(() => fail("timeout", "the server did not answer in time"), timeoutMs);
    let isOver = false;
    const fail = (code: RoomConnectError["code"], text: string, cause?: unknown): void => {
      if (isOver) return;
      isOver = true;
      clock.clearTimeout(late);
      socket.on("error", () => undefined);
      socket.terminate();
      if (signal.aborted) return reject(new RoomConnectError("aborted", "given up"));
      reject(new RoomConnectError(code, text, { cause }));
    };
    socket.once("unexpected-response", (_request, response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
        // A token that begins in what will be repeated has to be there whole, to be found.
        if (text.length > ERROR_TEXT_MAX_CHARS + token.length) response.destroy();
      });
      response.once("close", () => fail(...refusal(response.statusCode ?? 0, text.replaceAll(token, "<token>"))));
    });
    socket.once("error", (error) => fail("unreachable", error.message, error));
    socket.once("close", () => fail("unreachable", "the server closed the connection"));
    socket.once("open", () => {
      if (isOver) return;
      isOver = true;
      clock.clearTimeout(late);
      socket.removeAllListeners();
      const connection = new SignalConnection(socket, parts);
      if (!signal.aborted) return resolve(connection);
      void unwanted(connection).then(() => reject(new RoomConnectError("aborted", "given up")));
    });
  });
}

function refusal(status: number, text: string): [RoomConnectError["code"], string] {
  const said = text.trim().slice(0, ERROR_TEXT_MAX_CHARS);
  const told = said === "" ? `HTTP ${status}` : `HTTP ${status}: ${said}`;
  if (status === 401 || status === 403) return ["unauthorized", told];
  if (status === 404) return ["unreachable", `${told} (this engine needs a server that knows /rtc/v1)`];
  return ["unreachable", told];
}
