// The control of a cut: what plain TCP makes of the same wire. One side answers whatever it is sent; the other keeps one
// connection busy and opens a fresh one each second, and says when each worked again. Nobody can resume on a connection
// before its packets arrive.

import { connect, createServer } from "node:net";
import type { Socket } from "node:net";
import { obey, programInput, report } from "./told.js";

export interface WireControlInput {
  readonly serve?: boolean;
  /** Of the side that serves. */
  readonly host?: string;
}

const PORT = 9099;
const SEND_EVERY_MS = 20;
const FRESH_EVERY_MS = 500;
const FRESH_MAX_MS = 1000;

const { serve = false, host = "" } = programInput() as WireControlInput;
/** Unix times in milliseconds of everything that worked. */
const heard: number[] = [];
const opened: number[] = [];
const closed: number[] = [];

if (serve) createServer((socket) => void socket.on("error", () => undefined).pipe(socket)).listen(PORT);
else {
  keepBusy();
  setInterval(openFresh, FRESH_EVERY_MS);
}

function keepBusy(): void {
  const socket = connect(PORT, host);
  const timer = setInterval(() => socket.writable && socket.write("x"), SEND_EVERY_MS);
  socket.on("data", () => heard.push(Date.now()));
  socket.on("error", () => undefined);
  socket.on("close", () => {
    closed.push(Date.now());
    clearInterval(timer);
    setTimeout(keepBusy, 100);
  });
}

function openFresh(): void {
  const socket: Socket = connect(PORT, host);
  socket.setTimeout(FRESH_MAX_MS, () => socket.destroy());
  socket.on("error", () => undefined);
  socket.on("connect", () => {
    opened.push(Date.now());
    socket.destroy();
  });
}

obey({
  /** Unix times: of the first word after `sinceMs` on the old connection, of the first fresh one, and of the old one's end. */
  since: ({ sinceMs }) => ({
    heardAtMs: heard.find((atMs) => atMs > Number(sinceMs)),
    openedAtMs: opened.find((atMs) => atMs > Number(sinceMs)),
    closedAtMs: closed.find((atMs) => atMs > Number(sinceMs)),
  }),
});
report("ready");
