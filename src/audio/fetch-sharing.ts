// One sound for fifty users is fetched once: who asks for a URL that is just being opened reads from the same download.
//
// The download is pulled by whoever has come furthest, and what it has brought is kept in a bounded window. A reader that
// the window has left behind goes on with a download of its own, so nobody ever waits for anybody else; and the beginning
// is kept for latecomers only for a moment, so that a single listener costs no more memory than without any sharing.

import type { Clock } from "../time.js";
import { aborted } from "./fetch/fetch-error.js";
import type { OpenedUrl, UrlOpener } from "./fetch/open-url.js";
import { FetchError } from "./fetch/open-url.js";

export interface SharingLimits {
  /** What one download keeps for its slower readers. */
  readonly windowMaxBytes: number;
  /** For so long after the first request others may still join. */
  readonly joinWithinMs: number;
}

export const SHARING_LIMITS: SharingLimits = { windowMaxBytes: 4 * 1024 * 1024, joinWithinMs: 1000 };

/** A piece of one byte costs more than a byte: each counts for at least this much of the window. */
const PIECE_MIN_BYTES = 4096;

/** The same opener, but for requests that come together: they share one download. */
export function shareDownloads(opener: UrlOpener, clock: Clock, limits = SHARING_LIMITS): UrlOpener {
  const joinable = new Map<string, SharedDownload>();

  function downloadOf(url: string): SharedDownload {
    const known = joinable.get(url);
    if (known?.isJoinable === true) return known;
    const download = new SharedDownload(opener, url, clock, limits, () => {
      if (joinable.get(url) === download) joinable.delete(url);
    });
    joinable.set(url, download);
    return download;
  }

  return {
    async open(url, signal) {
      if (signal.aborted) throw aborted();
      return new Reader(downloadOf(url), () => opener.open(url, signal), signal).open();
    },
    check: (url) => opener.check(url),
    close: () => opener.close(),
  };
}

/** What a reader finds at its place: a piece, the end, or that the place is no longer in the window. */
type Found = Uint8Array | "end" | "behind";

class SharedDownload {
  readonly opened: Promise<OpenedUrl>;
  readonly #clock: Clock;
  readonly #limits: SharingLimits;
  /** Nobody can join any more. */
  readonly #unlisted: () => void;
  readonly #abortion = new AbortController();
  readonly #readers = new Set<Reader>();
  readonly #joinUntilMs: number;
  readonly #pieces: Uint8Array[] = [];
  /** Number of the first piece in the window. */
  #first = 0;
  #windowBytes = 0;
  #outcome: { readonly failure?: unknown } | undefined;
  #iterator: AsyncIterator<Uint8Array> | undefined;
  #isPulling = false;

  constructor(opener: UrlOpener, url: string, clock: Clock, limits: SharingLimits, unlisted: () => void) {
    this.#clock = clock;
    this.#limits = limits;
    this.#unlisted = unlisted;
    this.#joinUntilMs = clock.now() + limits.joinWithinMs;
    this.opened = opener.open(url, this.#abortion.signal);
    this.opened.catch((failure: unknown) => this.#end({ failure }));
  }

  get isJoinable(): boolean {
    const isFailed = this.#outcome !== undefined && "failure" in this.#outcome;
    return this.#first === 0 && !isFailed && this.#clock.now() <= this.#joinUntilMs;
  }

  join(reader: Reader): void {
    this.#readers.add(reader);
  }

  /** The last one to leave ends the download. */
  leave(reader: Reader): void {
    if (!this.#readers.delete(reader)) return;
    this.#trim();
    if (this.#readers.size > 0) return;
    this.#unlisted();
    this.#pieces.length = 0;
    this.#abortion.abort();
  }

  /** Takes the next piece of a reader; undefined: it has to wait until it is woken. Throws what ended the download. */
  take(reader: Reader): Found | undefined {
    if (reader.next < this.#first) return "behind";
    const piece = this.#pieces[reader.next - this.#first];
    if (piece !== undefined) {
      reader.next += 1;
      this.#trim();
      return piece;
    }
    if (this.#outcome === undefined) {
      void this.#pull();
      return undefined;
    }
    if ("failure" in this.#outcome) throw this.#outcome.failure;
    return "end";
  }

  async #pull(): Promise<void> {
    if (this.#isPulling) return;
    this.#isPulling = true;
    try {
      this.#iterator ??= (await this.opened).body[Symbol.asyncIterator]();
      const result = await this.#iterator.next();
      this.#isPulling = false;
      if (result.done === true) this.#end({});
      else this.#append(result.value);
    } catch (failure) {
      this.#end({ failure });
    }
  }

  #append(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#windowBytes += costOf(piece);
    while (this.#windowBytes > this.#limits.windowMaxBytes && this.#pieces.length > 1) this.#dropFirst();
    this.#trim();
    this.#wakeAll();
  }

  #end(outcome: { readonly failure?: unknown }): void {
    this.#outcome ??= outcome;
    if (!this.isJoinable) this.#unlisted();
    this.#wakeAll();
  }

  /** Once nobody can join, what everybody has had is of no more use. */
  #trim(): void {
    if (this.isJoinable) return;
    this.#unlisted();
    let wanted = Number.POSITIVE_INFINITY;
    for (const { next } of this.#readers) wanted = Math.min(wanted, Math.max(next, this.#first));
    while (this.#pieces.length > 0 && this.#first < wanted) this.#dropFirst();
  }

  #dropFirst(): void {
    const piece = this.#pieces.shift();
    if (piece === undefined) return;
    this.#first += 1;
    this.#windowBytes -= costOf(piece);
  }

  #wakeAll(): void {
    for (const reader of this.#readers) reader.wake();
  }
}

const costOf = (piece: Uint8Array) => Math.max(piece.length, PIECE_MIN_BYTES);

/** One caller's place in a shared download. */
class Reader {
  /** Number of the piece that it wants next. */
  next = 0;
  readonly #download: SharedDownload;
  readonly #openOwn: () => Promise<OpenedUrl>;
  readonly #signal: AbortSignal;
  #bytesRead = 0;
  #own: OpenedUrl | undefined;
  #isClosed = false;
  #wake: (() => void) | undefined;

  constructor(download: SharedDownload, openOwn: () => Promise<OpenedUrl>, signal: AbortSignal) {
    this.#download = download;
    this.#openOwn = openOwn;
    this.#signal = signal;
    download.join(this);
    signal.addEventListener("abort", this.#close, { once: true });
  }

  async open(): Promise<OpenedUrl> {
    const gone = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    try {
      // Raced once in a reader's life; whichever comes second finds nobody.
      await Promise.race([this.#download.opened, gone]);
      this.#throwIfClosed();
      const { contentType, sizeBytes } = await this.#download.opened;
      const bytesRead = () => this.#bytesRead;
      return {
        contentType,
        sizeBytes,
        get bytesRead() {
          return bytesRead();
        },
        body: this.#read(),
        close: this.#close,
      };
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  async *#read(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        this.#throwIfClosed();
        const found = this.#download.take(this);
        if (found === "end") return;
        if (found === "behind") return yield* this.#readAlone();
        if (found === undefined) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          continue;
        }
        this.#bytesRead += found.length;
        yield found;
      }
    } finally {
      this.#close();
    }
  }

  /** The rest, from a download of its own: what the reader has had already is fetched again and passed over. */
  async *#readAlone(): AsyncGenerator<Uint8Array, void, undefined> {
    this.#download.leave(this);
    this.#own = await this.#openOwn();
    if (this.#isClosed) this.#own.close();
    let position = 0;
    for await (const piece of this.#own.body) {
      const fresh = piece.subarray(Math.min(piece.length, this.#bytesRead - position));
      position += piece.length;
      if (fresh.length === 0) continue;
      this.#bytesRead = position;
      yield fresh;
    }
    if (position < this.#bytesRead) throw new FetchError("truncated", "audio URL is shorter than it was before");
  }

  readonly #close = (): void => {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#signal.removeEventListener("abort", this.#close);
    this.#download.leave(this);
    this.#own?.close();
    this.wake();
  };

  #throwIfClosed(): void {
    if (this.#isClosed) throw aborted();
  }
}
