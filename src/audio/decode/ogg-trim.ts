// The last page of an Ogg stream says how many of its samples are sound: an encoder fills up its last packet, and what it
// filled in is cut here.

import type { OggPacket } from "./ogg-packets.js";

export class OggTrim {
  #decodedOnPage = 0;

  /** How many of the `frames` that a packet gave are to be heard. */
  allow({ page }: OggPacket, frames: number): number {
    if (!page.isLast || page.granule === undefined || page.granuleBefore === undefined) return frames;
    const allowed = page.granule - page.granuleBefore - this.#decodedOnPage;
    this.#decodedOnPage += frames;
    // A time that runs backwards is wrong, and says nothing.
    return page.granule < page.granuleBefore ? frames : Math.max(0, Math.min(frames, allowed));
  }
}
