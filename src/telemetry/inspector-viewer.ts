// One open page. What it does not read is kept for it up to a bound; beyond that it is dropped, because a stalled browser
// must not grow the process that serves everybody.

/** What a viewer needs of a WebSocket. */
export interface ViewerSocket {
  /** Bytes that wait to be taken by the network. */
  readonly bufferedAmount: number;
  send(text: string): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

export const VIEWER_BUFFER_MAX_BYTES = 1024 * 1024;

export class InspectorViewer {
  readonly #socket: ViewerSocket;
  readonly #dropped: () => void;
  #isOpen = true;

  constructor(socket: ViewerSocket, dropped: () => void) {
    this.#socket = socket;
    this.#dropped = dropped;
  }

  send(message: string): void {
    if (!this.#isOpen) return;
    if (this.#socket.bufferedAmount + message.length > VIEWER_BUFFER_MAX_BYTES) {
      this.#isOpen = false;
      this.#socket.terminate();
      this.#dropped();
      return;
    }
    this.#socket.send(message);
  }

  close(code: number, reason: string): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#socket.close(code, reason);
  }

  terminate(): void {
    this.#isOpen = false;
    this.#socket.terminate();
  }
}
