// The first decoder of a kind unpacks and compiles its WASM module, which holds the event loop for some 10 to 25 ms. Done
// once when the process starts, nobody's audio waits for it; all later instances share the module.

import { OggVorbisDecoder } from "@wasm-audio-decoders/ogg-vorbis";
import { MPEGDecoder } from "mpg123-decoder";
import { OpusDecoder } from "opus-decoder";
import { freeDecoder, startDecoder } from "./wasm-call.js";

/** Resolves when every decoder has been started once. Rejects with a DecodeError when one cannot be. */
export async function prepareDecoders(): Promise<void> {
  for (const create of [() => new MPEGDecoder(), () => new OpusDecoder(), () => new OggVorbisDecoder()]) {
    freeDecoder(await startDecoder<Parameters<typeof freeDecoder>[0]>(create));
  }
}
