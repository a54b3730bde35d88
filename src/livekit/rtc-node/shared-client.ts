// One client for the whole process, because the native library has one callback: the last to set it gets everything.
// Engines take turns in owning it, or share it; the last to let go frees the native part.

import { RTC_NODE_CLIENT_GLOBAL } from "./client-global.js";
import { FfiClient } from "./ffi-client.js";
import { nativeFfi } from "./native-ffi.js";

let shared: FfiClient | undefined;
let holders = 0;

export function acquireSharedClient(): FfiClient {
  if (!shared) {
    if (Reflect.get(globalThis, RTC_NODE_CLIENT_GLOBAL) !== undefined)
      throw new Error("rtc-node has been used in this process before its engine was created; it owns the callback");
    shared = new FfiClient(nativeFfi);
    Reflect.set(globalThis, RTC_NODE_CLIENT_GLOBAL, shared);
  }
  holders += 1;
  return shared;
}

/** Resolves when the native part is free, or at once while somebody else still holds the client. */
export async function releaseSharedClient(): Promise<void> {
  holders -= 1;
  if (holders > 0 || !shared) return;
  const last = shared;
  shared = undefined;
  Reflect.deleteProperty(globalThis, RTC_NODE_CLIENT_GLOBAL);
  await last.dispose();
}
