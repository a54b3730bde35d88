// Calls into the WASM decoders. A trap ("memory access out of bounds") leaves an instance that must not be called again;
// it harms nobody else, because every stream has its own.

import { DecodeError, damaged } from "./decode-error.js";

interface WasmDecoder {
  readonly ready: Promise<void>;
  free(): void;
}

/** A fresh instance for one stream. The process may be out of memory for it; that is nobody's file's fault. */
export async function startDecoder<T extends WasmDecoder>(create: () => T): Promise<T> {
  try {
    const decoder = create();
    await decoder.ready;
    return decoder;
  } catch (cause) {
    throw new DecodeError("internal", "the audio decoder could not be started", { cause });
  }
}

/** Runs one synchronous call. Whatever it throws means that this stream's decoder is done for. */
export function callDecoder<T>(call: () => T): T {
  // The decoders report damaged frames on the console, a line for each, among the service's own log lines.
  const { error } = console;
  Object.assign(console, { error: () => undefined });
  try {
    return call();
  } catch (cause) {
    throw brokenDecoder(cause);
  } finally {
    Object.assign(console, { error });
  }
}

export const brokenDecoder = (cause: unknown) => damaged("the file broke its decoder", { cause });

/** A wrecked instance may trap again when it is freed; its memory goes with it all the same. */
export function freeDecoder(decoder: WasmDecoder): void {
  try {
    decoder.free();
  } catch {
    // Nothing is left to free by hand.
  }
}
