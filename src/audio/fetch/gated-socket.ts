// A socket with a gate on its reading side. Pausing a response of `node:http` leaves the rest of a chunk, and with it the
// end of a body, in a buffer that is thrown away when the server hangs up. Behind this gate nothing ever rests there: the
// response always flows, and while the gate is shut the bytes stay here and in the socket, where the kernel makes the
// server wait.
//
// What comes through is cut into slices, one for each turn of the event loop: a body in chunks of one byte costs the
// parser a thousand times more than its size tells, and must not keep everybody else waiting.

import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/** Takes the parser about 2 ms at worst. */
const SLICE_MAX_BYTES = 8 * 1024;

export class GatedSocket extends Duplex {
  readonly #socket: Socket;
  /** Read and not yet passed on; the socket is paused as long as there is any. */
  #rest: Buffer | undefined;
  /** The socket has nothing more to say. It tells so even while it is paused, so what is left here still comes first. */
  #ending: { readonly error: Error | undefined } | undefined;
  #isShut = false;
  #isWanted = false;
  #turn: NodeJS.Immediate | undefined;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#rest = chunk;
      socket.pause();
      this.#proceed();
    });
    socket.once("end", () => this.#endAfterRest(undefined));
    socket.once("error", (error) => this.#endAfterRest(error));
    socket.once("close", () => {
      if (this.#ending === undefined) this.destroy();
    });
    socket.pause();
  }

  shut(): void {
    this.#isShut = true;
    this.#socket.pause();
  }

  open(): void {
    this.#isShut = false;
    this.#proceed();
  }

  override _read(): void {
    this.#isWanted = true;
    this.#proceed();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  /** The request has been sent and the answer may still be coming: only the whole download ends the connection. */
  override _final(done: () => void): void {
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearImmediate(this.#turn);
    this.#socket.destroy();
    done(error);
  }

  #endAfterRest(error: Error | undefined): void {
    this.#ending ??= { error };
    this.#proceed();
  }

  #proceed(): void {
    if (this.destroyed) return;
    if (this.#rest === undefined && this.#ending !== undefined) {
      if (this.#ending.error === undefined) this.push(null);
      else this.destroy(this.#ending.error);
      return;
    }
    if (this.#isShut || !this.#isWanted) return;
    if (this.#rest === undefined) this.#socket.resume();
    else this.#turn ??= setImmediate(() => this.#passOn());
  }

  #passOn(): void {
    this.#turn = undefined;
    const rest = this.#rest;
    if (rest === undefined || this.#isShut) return;
    this.#rest = rest.length > SLICE_MAX_BYTES ? rest.subarray(SLICE_MAX_BYTES) : undefined;
    this.#isWanted = this.push(rest.subarray(0, SLICE_MAX_BYTES));
    this.#proceed();
  }
}
