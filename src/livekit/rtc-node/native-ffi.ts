// The native part, and the only file that loads it. Everything else of the engine takes a `NativeFfi`, so that its
// tests need no native library.

import {
  FfiHandle,
  livekitCopyBuffer,
  livekitDispose,
  livekitFfiRequest,
  livekitInitialize,
  livekitRetrievePtr,
} from "@livekit/rtc-ffi-bindings";

/** The native calls the engine uses, and no others. */
export interface NativeFfi {
  /** Sets the callback that gets every event of the process. May be called again after `dispose`. */
  initialize(onEvent: (bytes: Uint8Array) => void): void;
  /** Throws on a refused request; the message then holds the whole request, token included. */
  request(bytes: Uint8Array): Uint8Array;
  copyBuffer(pointer: bigint, length: number): Uint8Array;
  retrievePointer(bytes: Uint8Array): bigint;
  /** Throws when the handle does not exist. */
  dropHandle(id: bigint): void;
  /** Closes rooms that are left and silences the callback. Without it the process does not exit. */
  dispose(): Promise<void>;
}

/** Told to the LiveKit server as the version of the SDK; that of the pinned rtc-node whose native part this is. */
const SDK_VERSION = "1.1.0";

export const nativeFfi: NativeFfi = {
  initialize(onEvent) {
    // The native library writes its errors to stderr in a form of its own, and a failed connect with its token in the
    // address. What matters of them comes as events too. Whoever hunts a native fault sets the variable.
    process.env["RUST_LOG"] ??= "off";
    // Captured logs would be decoded in JavaScript, about 19 a second for an idle room.
    livekitInitialize(onEvent, false, SDK_VERSION);
  },
  request: livekitFfiRequest,
  copyBuffer: livekitCopyBuffer,
  retrievePointer: livekitRetrievePtr,
  dropHandle: (id) => new FfiHandle(id).dispose(),
  dispose: livekitDispose,
};
