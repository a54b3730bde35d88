// The way between JavaScript and the native library: requests down, events up, each event to the one who waits for it.
//
// The native library has a single callback for all rooms of the process. rtc-node's own client hands every event to
// every room and to every pending request, which grows with the square of the rooms. Here a room event goes to its room
// by handle, and an answer goes to its request by number.
//
// What nobody here claims goes to the guests: rtc-node's own classes (`Room`, `AudioStream`), which tests use for the
// other participants of a room. They find this client under the global name that rtc-node looks for, and see the shape
// of rtc-node's client: `on`, `off`, `request`, `waitFor`, `copyBuffer`, `retrievePtr`, `getNextRequestAsyncId`.

import { EventEmitter } from "node:events";
import type { FfiEvent as Event, PartialMessage, RoomEvent } from "@livekit/rtc-ffi-bindings";
import { FfiEvent, FfiRequest, FfiResponse } from "@livekit/rtc-ffi-bindings/proto/ffi_pb.js";
import type { NativeFfi } from "./native-ffi.js";
import { ownedHandles } from "./owned-handles.js";

export type RequestMessage = Exclude<PartialMessage<FfiRequest>["message"], undefined>;
type EventMessage = Event["message"];
type ResponseMessage = FfiResponse["message"];

/** Requests that are answered by an event; it carries the number that the immediate response gave. */
export type AnswerCase = "connect" | "disconnect" | "publishTrack" | "unpublishTrack";
export type Answer<C extends AnswerCase> = Extract<EventMessage, { case: C }>["value"];

type AskCase = AnswerCase | "newAudioSource" | "createAudioTrack" | "readyForRoomEvent";
type Response<C extends AskCase> = Extract<ResponseMessage, { case: C }>["value"];

/** What concerns the process rather than one room. */
export interface FfiObserver {
  /** The native library has caught a panic of its own; LiveKit recommends ending the process. */
  panic(message: string): void;
  /** Handling an event threw: a defect on this side, kept from everybody else. */
  fault(error: unknown): void;
}

export class FfiClient extends EventEmitter {
  readonly #native: NativeFfi;
  readonly #rooms = new Map<bigint, (event: RoomEvent) => void>();
  readonly #waiters = new Map<string, (event: EventMessage) => void>();
  readonly #observers = new Set<FfiObserver>();
  #nextRequestAsyncId = 0n;

  constructor(native: NativeFfi) {
    super();
    this.setMaxListeners(0);
    this.#native = native;
    native.initialize((bytes) => this.receive(bytes));
  }

  /** Sends a request and returns its immediate response, which bears the same case name. Throws an error that repeats nothing of the request. */
  ask<C extends AskCase>(message: RequestMessage & { case: C }): Response<C> {
    const { message: response } = FfiResponse.fromBinary(this.requestBytes(this.encode(message)));
    if (response.case !== message.case) throw new Error(`native response to another request than ${message.case}`);
    return response.value as Response<C>;
  }

  encode(message: RequestMessage): Uint8Array {
    return new FfiRequest({ message }).toBinary();
  }

  /** For a request that is encoded once and sent often. Nobody waits for its answer. */
  requestBytes(bytes: Uint8Array): Uint8Array {
    try {
      return this.#native.request(bytes);
    } catch (error) {
      throw withoutRequest(error);
    }
  }

  /**
   * Sends a request and resolves with the event that answers it, however late. Rejects only when the request is refused
   * at once. After `forget` aborts, nobody waits any more and the promise stays pending.
   */
  call<C extends AnswerCase>(message: RequestMessage & { case: C }, forget?: AbortSignal): Promise<Answer<C>> {
    return new Promise((resolve) => {
      // The answer comes as an event of its own, in a later turn of the event loop, so waiting may begin after sending.
      const { asyncId } = this.ask<AnswerCase>(message);
      const key = waiterKey(message.case, asyncId);
      const settle = resolve as (answer: EventMessage["value"]) => void;
      this.#waiters.set(key, (event) => settle(event.value));
      forget?.addEventListener("abort", () => this.#waiters.delete(key), { once: true });
    });
  }

  addRoom(roomHandle: bigint, handler: (event: RoomEvent) => void): void {
    this.#rooms.set(roomHandle, handler);
  }

  removeRoom(roomHandle: bigint): void {
    this.#rooms.delete(roomHandle);
  }

  /** Frees a native object now instead of whenever garbage is collected. Never throws. */
  dropHandle(id: bigint | undefined): void {
    if (id === undefined) return;
    try {
      this.#native.dropHandle(id);
    } catch {
      // Gone already: the native side drops some handles by itself when a room ends.
    }
  }

  observe(observer: FfiObserver): void {
    this.#observers.add(observer);
  }

  unobserve(observer: FfiObserver): void {
    this.#observers.delete(observer);
  }

  /** Live objects, for leak tests. */
  counts(): { rooms: number; waiters: number; guests: number; observers: number } {
    const guests = this.listenerCount("ffi_event");
    return { rooms: this.#rooms.size, waiters: this.#waiters.size, guests, observers: this.#observers.size };
  }

  async dispose(): Promise<void> {
    await this.#native.dispose();
  }

  /** One event from the native library. Never throws: above this call is only native code. */
  receive(bytes: Uint8Array): void {
    try {
      this.#route(FfiEvent.fromBinary(bytes));
    } catch (error) {
      for (const observer of this.#observers) observer.fault(error);
    }
  }

  #route(event: Event): void {
    const message = event.message;
    if (message.case === "logs") return;
    if (message.case === "panic") {
      for (const observer of this.#observers) observer.panic(message.value.message ?? "");
      return;
    }
    if (message.case === "roomEvent") {
      const room = this.#rooms.get(message.value.roomHandle ?? 0n);
      if (room) return room(message.value);
    } else if (message.value !== undefined && "asyncId" in message.value) {
      const key = waiterKey(message.case, message.value.asyncId);
      const waiter = this.#waiters.get(key);
      if (waiter) {
        this.#waiters.delete(key);
        return waiter(message);
      }
    }
    if (this.listenerCount("ffi_event") > 0) this.emit("ffi_event", event);
    else if (message.case === "roomEvent") for (const id of ownedHandles(message.value)) this.dropHandle(id);
  }

  // From here on: what rtc-node's own classes call.

  request(message: PartialMessage<FfiRequest>): unknown {
    return FfiResponse.fromBinary(this.requestBytes(new FfiRequest(message).toBinary())).message.value;
  }

  copyBuffer(pointer: bigint, length: number): Uint8Array {
    return this.#native.copyBuffer(pointer, length);
  }

  retrievePtr(bytes: Uint8Array): bigint {
    return this.#native.retrievePointer(bytes);
  }

  getNextRequestAsyncId(): bigint {
    this.#nextRequestAsyncId += 1n;
    return this.#nextRequestAsyncId;
  }

  waitFor<T>(predicate: (event: Event) => boolean, options?: { signal?: AbortSignal }): Promise<T> {
    const signal = options?.signal;
    return new Promise<T>((resolve, reject) => {
      const stop = (): void => {
        this.off("ffi_event", onEvent);
        signal?.removeEventListener("abort", onAbort);
      };
      const onEvent = (event: Event): void => {
        if (!predicate(event)) return;
        stop();
        resolve(event.message.value as T);
      };
      const onAbort = (): void => {
        stop();
        reject(signal?.reason instanceof Error ? signal.reason : new Error("aborted"));
      };
      if (signal?.aborted) return onAbort();
      signal?.addEventListener("abort", onAbort);
      this.on("ffi_event", onEvent);
    });
  }
}

function waiterKey(answerCase: string | undefined, asyncId: bigint | undefined): string {
  return `${answerCase}:${asyncId}`;
}

/** The native library appends its request in debug form to an error, and a connect request holds the token. */
function withoutRequest(error: unknown): Error {
  const message = error instanceof Error ? error.message : String(error);
  const requestAt = message.indexOf(" (FfiRequest");
  return new Error(requestAt < 0 ? "native request failed" : message.slice(0, requestAt));
}
