// rtc-node's own classes, which stand for the phones in tests, leave native handles to the garbage collector. A handle whose
// object the native library has dropped meanwhile then throws from its finalizer: an uncaught exception without a stack, at
// random. Here every handle is kept until it is disposed of, so that nothing is left to a finalizer. The engine itself
// disposes of each handle at once and needs none of this.

import { createRequire } from "node:module";
import type { FfiHandle } from "@livekit/rtc-ffi-bindings";

interface Bindings {
  FfiHandle: new (handle: bigint) => FfiHandle;
}

const kept = new Set<FfiHandle>();
let isKeeping = false;

/** To be called before rtc-node is loaded. */
export function keepHandles(): void {
  if (isKeeping) return;
  isKeeping = true;
  const bindings = createRequire(import.meta.url)("@livekit/rtc-ffi-bindings") as Bindings;
  const Native = bindings.FfiHandle;
  bindings.FfiHandle = class extends Native {
    constructor(handle: bigint) {
      super(handle);
      kept.add(this);
    }

    override dispose(): void {
      if (kept.delete(this)) super.dispose();
    }
  };
}
