// A way over TCP or TLS for a library that speaks UDP alone: a port on the loopback interface takes its datagrams, puts them on a
// stream to the far side, and gives back what comes from there. To the library it is an address like any other; what it sends
// is authenticated (STUN) and encrypted (DTLS) from end to end, so the tunnel has to be neither.

import { createSocket, type Socket as UdpSocket } from "node:dgram";
import type { Socket } from "node:net";
import type { Clock } from "../../time.js";
import { FrameReader, type Framing } from "./stream-framing.js";

export interface StreamTunnelOptions {
  readonly clock: Clock;
  readonly framing: Framing;
  /** Begins to connect to the far side. Done with the first datagram. */
  readonly connect: () => Socket;
  /** It carries nothing any more, and nobody here has closed it. Once. Must not throw. */
  readonly ended: (why: string) => void;
}

export const LOOPBACK = "127.0.0.1";
/** Beyond this the way is full, and datagrams are lost, as on any. */
const UNSENT_MAX_BYTES = 256 * 1024;
/** ICE asks every few seconds whether the far side still wants to hear from us, on the way that is used. */
const IN_USE_MS = 10_000;
const CLOSED = "the far side closed it";

export class StreamTunnel {
  readonly #options: StreamTunnelOptions;
  readonly #udp: UdpSocket;
  readonly #reader: FrameReader;
  readonly #port: number;
  #stream: Socket | undefined;
  /** The library's, once it has sent something. */
  #peerPort: number | undefined;
  #isPeerConnected = false;
  #lastCarriedAtMs = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  /** Rejects when there is no port to be had. */
  static async open(options: StreamTunnelOptions): Promise<StreamTunnel> {
    const udp = createSocket("udp4");
    try {
      await new Promise<void>((resolve, reject) => {
        udp.once("error", reject);
        udp.bind({ address: LOOPBACK, port: 0, exclusive: true }, resolve);
      });
    } catch (error) {
      udp.close();
      throw error;
    }
    udp.removeAllListeners("error");
    return new StreamTunnel(udp, options);
  }

  private constructor(udp: UdpSocket, options: StreamTunnelOptions) {
    this.#options = options;
    this.#udp = udp;
    this.#port = udp.address().port;
    this.#reader = new FrameReader(options.framing);
    udp.on("message", (datagram, { port }) => this.#toStream(datagram, port));
    udp.on("connect", () => (this.#isPeerConnected = true));
    // The library has closed its side, if that.
    udp.on("error", (error) => this.#end(error.message));
  }

  /** Of the loopback interface: where the library finds it. */
  get port(): number {
    return this.#port;
  }

  /** Something has come by it since then, and of late. */
  hasCarriedSince(sinceMs: number): boolean {
    return this.#lastCarriedAtMs >= sinceMs && this.#options.clock.now() - this.#lastCarriedAtMs < IN_USE_MS;
  }

  /** Idempotent. No callback after it. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#udp.close();
    this.#stream?.destroy();
  }

  #toStream(datagram: Buffer, fromPort: number): void {
    if (this.#isClosed || (this.#peerPort ??= fromPort) !== fromPort) return;
    const stream = this.#stream ?? this.#connect(fromPort);
    if (!stream || stream.writableLength > UNSENT_MAX_BYTES) return;
    const frame = this.#options.framing.wrap(datagram);
    if (frame) stream.write(frame);
  }

  /** Undefined when it cannot even begin. */
  #connect(peerPort: number): Socket | undefined {
    try {
      const stream = this.#options.connect();
      this.#stream = stream;
      stream.setNoDelay(true);
      stream.on("data", (chunk: Buffer) => this.#fromStream(chunk));
      stream.on("error", (error) => this.#end(error.message));
      // Half-closed is closed, and not only once all has been taken that waits for a far side that takes nothing.
      stream.on("end", () => this.#end(CLOSED));
      stream.on("close", () => this.#end(CLOSED));
      // From now on the system keeps everybody else away.
      this.#udp.connect(peerPort, LOOPBACK);
      return stream;
    } catch (error) {
      this.#end(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  #fromStream(chunk: Buffer): void {
    if (this.#isClosed) return;
    try {
      this.#reader.push(chunk, (datagram) => {
        this.#lastCarriedAtMs = this.#options.clock.now();
        if (this.#isPeerConnected && !this.#isClosed) this.#udp.send(datagram);
      });
    } catch (error) {
      this.#end(error instanceof Error ? error.message : String(error));
    }
  }

  #end(why: string): void {
    if (this.#isClosed) return;
    this.close();
    this.#options.ended(why);
  }
}
