// A native library of a few lines: it remembers what it was asked, answers as told, and gives events by hand.

import type { PartialMessage } from "@livekit/rtc-ffi-bindings";
import { FfiEvent, FfiRequest, FfiResponse } from "@livekit/rtc-ffi-bindings/proto/ffi_pb.js";
import type { NativeFfi } from "../../../src/livekit/rtc-node/native-ffi.js";

export type EventMessage = Exclude<PartialMessage<FfiEvent>["message"], undefined>;

export interface FakeNative extends NativeFfi {
  /** Case names of all requests, in order. */
  readonly asked: string[];
  readonly dropped: bigint[];
  /** A native refusal for the next request. */
  refuseNext(message: string): void;
  give(message: EventMessage): void;
  /** The number that the last request with an answer was given. */
  readonly lastAsyncId: bigint;
}

export function createFakeNative(): FakeNative {
  const asked: string[] = [];
  const dropped: bigint[] = [];
  let onEvent = (_bytes: Uint8Array): void => undefined;
  let refusal: string | undefined;
  let nextId = 1000n;
  let lastAsyncId = 0n;

  function respond(request: FfiRequest): PartialMessage<FfiResponse> {
    const name = request.message.case ?? "";
    nextId += 1n;
    if (name === "newAudioSource")
      return { message: { case: name, value: { source: { handle: { id: nextId }, info: { type: 0 } } } } };
    if (name === "createAudioTrack") return { message: { case: name, value: { track: track(nextId) } } };
    if (name === "readyForRoomEvent") return { message: { case: name, value: {} } };
    lastAsyncId = nextId;
    return { message: { case: name, value: { asyncId: nextId } } } as PartialMessage<FfiResponse>;
  }

  return {
    asked,
    dropped,
    get lastAsyncId() {
      return lastAsyncId;
    },
    refuseNext: (message) => void (refusal = message),
    give: (message) => onEvent(new FfiEvent({ message }).toBinary()),
    initialize: (callback) => void (onEvent = callback),
    request(bytes) {
      const request = FfiRequest.fromBinary(bytes);
      asked.push(request.message.case ?? "");
      const message = refusal;
      refusal = undefined;
      if (message !== undefined) throw new Error(message);
      return new FfiResponse(respond(request)).toBinary();
    },
    copyBuffer: (_pointer, length) => new Uint8Array(length).fill(7),
    retrievePointer: () => 1n,
    dropHandle(id) {
      if (dropped.includes(id)) throw new Error("trying to drop an invalid handle");
      dropped.push(id);
    },
    dispose: () => Promise.resolve(),
  };
}

function track(id: bigint) {
  const info = { sid: "", name: "", kind: 1, streamState: 1, muted: false, remote: false };
  return { handle: { id }, info };
}
