// The stand-in's front door: a TCP proxy before its own gRPC server. It numbers the connections, counts their pings, and can
// do to a connection what grpc-js cannot: cut it, or tell the client to go away.

import { connect, createServer } from "node:net";
import type { Socket } from "node:net";
import type { PingPolicy } from "./behaviour.js";
import type { GoAwayOptions } from "./control.js";
import { CLIENT_PREFACE_BYTES, createFrameSplitter, ENHANCE_YOUR_CALM, goAwayFrame } from "./http2-frames.js";
import type { Frame } from "./http2-frames.js";
import { PingWatch } from "./ping-watch.js";

/** For a client that does not close its half. */
const CLOSE_MAX_MS = 500;

interface Tapped {
  readonly number: number;
  readonly near: Socket;
  readonly far: Socket;
  readonly watch: PingWatch;
}

export class WireTap {
  connectionsEver: number;
  tooManyPings = 0;
  readonly pingsByConnection: Record<string, number> = {};
  readonly #upstreamPort: number;
  readonly #policy: () => PingPolicy | "welcome";
  readonly #open = new Map<number, Tapped>();
  /** By the port from which the proxy speaks to the server. A call may be told of after its connection closed. */
  readonly #numbers = new Map<number, number>();

  constructor(upstreamPort: number, connectionsBefore: number, policy: () => PingPolicy | "welcome") {
    this.#upstreamPort = upstreamPort;
    this.connectionsEver = connectionsBefore;
    this.#policy = policy;
  }

  get connectionsOpen(): number {
    return this.#open.size;
  }

  get pings(): number {
    return Object.values(this.pingsByConnection).reduce((sum, count) => sum + count, 0);
  }

  listen(port: number): Promise<number> {
    const server = createServer((near) => this.#accept(near));
    return new Promise((done, failed) => {
      server.once("error", failed);
      server.listen(port, "127.0.0.1", () => done(port));
    });
  }

  /** From a peer as grpc-js names it, `127.0.0.1:<port>`. */
  numberOf(peer: string): number {
    return this.#numbers.get(Number(peer.slice(peer.lastIndexOf(":") + 1))) ?? 0;
  }

  /** RST, so that the client learns of it at once. Returns how many there were. */
  cut(numbers: readonly number[] = [...this.#open.keys()]): number {
    const hit = numbers.flatMap((number) => this.#open.get(number) ?? []);
    for (const { near, far } of hit) {
      near.resetAndDestroy();
      far.destroy();
    }
    return hit.length;
  }

  goAway({ connection, errorCode = 0, debugData = "", closes = false }: GoAwayOptions): number {
    const hit = [...this.#open.values()].filter(({ number }) => connection === undefined || number === connection);
    for (const tapped of hit) this.#sendAway(tapped, errorCode, debugData, closes);
    return hit.length;
  }

  #accept(near: Socket): void {
    this.connectionsEver += 1;
    const far = connect(this.#upstreamPort, "127.0.0.1");
    const tapped: Tapped = { number: this.connectionsEver, near, far, watch: new PingWatch() };
    this.#open.set(tapped.number, tapped);
    this.pingsByConnection[tapped.number] = 0;
    far.once("connect", () => this.#numbers.set(far.localPort ?? 0, tapped.number));
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      socket.on("error", () => {});
    }
    far.once("close", () => endGently(near));
    near.once("close", () => {
      this.#open.delete(tapped.number);
      far.destroy();
    });
    const tooMany = () => {
      this.tooManyPings += 1;
      this.#sendAway(tapped, ENHANCE_YOUR_CALM, "too_many_pings", true);
    };
    pass(near, far, CLIENT_PREFACE_BYTES, (frame) => {
      const isTooMany = tapped.watch.fromClient(frame, this.#policy(), performance.now());
      this.pingsByConnection[tapped.number] = tapped.watch.pings;
      if (isTooMany) tooMany();
    });
    pass(far, near, 0, (frame) => tapped.watch.fromServer(frame));
  }

  /** Frames are passed on whole, so that this one comes between two of the server's. */
  #sendAway({ near, far, watch }: Tapped, errorCode: number, debugData: string, closes: boolean): void {
    const frame = goAwayFrame(watch.lastStreamId, errorCode, debugData);
    if (!closes) {
      near.write(frame);
      return;
    }
    near.end(frame);
    far.destroy();
  }
}

/** What the client still sends is read and thrown away: closing over it would be a RST, and take back what was written. */
function endGently(socket: Socket): void {
  if (!socket.writableEnded) socket.end();
  const timer = setTimeout(() => socket.destroy(), CLOSE_MAX_MS);
  socket.once("close", () => clearTimeout(timer));
}

function pass(from: Socket, to: Socket, prefaceBytes: number, see: (frame: Frame) => void): void {
  const split = createFrameSplitter(prefaceBytes);
  from.on("data", (bytes: Buffer) => {
    let isTaken = true;
    for (const frame of split(bytes)) {
      see(frame);
      if (to.writable) isTaken = to.write(frame.bytes);
    }
    if (isTaken || to.destroyed) return;
    from.pause();
    to.once("drain", () => from.resume());
  });
  from.once("end", () => to.end());
}
