// Several sources on one track: added and clamped. With one source, the common case, nothing is copied twice.

import type { FrameSource } from "../livekit/room.js";
import { mixInto } from "./pcm.js";

export class TrackMixer implements FrameSource {
  readonly #sources = new Set<FrameSource>();
  #scratch = new Int16Array(0);

  add(source: FrameSource): void {
    this.#sources.add(source);
  }

  remove(source: FrameSource): void {
    this.#sources.delete(source);
  }

  read(frame: Int16Array): number {
    let filled = 0;
    for (const source of this.#sources) {
      if (filled === 0) {
        filled = source.read(frame);
        continue;
      }
      if (this.#scratch.length !== frame.length) this.#scratch = new Int16Array(frame.length);
      const length = source.read(this.#scratch);
      if (length > filled) frame.fill(0, filled, length);
      mixInto(frame, this.#scratch, length);
      filled = Math.max(filled, length);
    }
    return filled;
  }
}
