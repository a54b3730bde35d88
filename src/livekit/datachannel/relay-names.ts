// Where relays are, by name. A question to the system's resolver cannot be taken back, holds one of the few threads that answer
// everybody's questions, and may take half a minute; the names come from servers. So one is asked at a time, nobody waits long for
// the answer, and whether it came is remembered.

import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { Clock } from "../../time.js";
import { LATE, within } from "../../within.js";

/** Rejects when there is no such name. */
export type Lookup = (name: string) => Promise<string>;

const PATIENCE_MS = 1000;
const KNOWN_MS = 60_000;
const UNKNOWN_MS = 30_000;
const ASKED_MAX = 16;
const REMEMBERED_MAX = 1000;

interface Known {
  readonly address: string | undefined;
  readonly untilMs: number;
}

export class RelayNames {
  readonly #clock: Clock;
  readonly #lookup: Lookup;
  readonly #known = new Map<string, Known>();
  readonly #asked = new Map<string, Promise<string | undefined>>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(clock: Clock, ask: Lookup = askSystem) {
    this.#clock = clock;
    this.#lookup = ask;
  }

  /** Undefined when it is not known in time. Never rejects. */
  async address(host: string): Promise<string | undefined> {
    if (isIP(host) !== 0) return host;
    const known = this.#known.get(host);
    if (known && this.#clock.now() < known.untilMs) return known.address;
    const asked = this.#asked.get(host) ?? this.#ask(host);
    const address = await within(this.#clock, PATIENCE_MS, asked);
    if (address !== LATE) return address;
    // Nor does anybody else wait. Should the answer still come, it is remembered.
    this.#remember(host, undefined);
    return undefined;
  }

  #ask(host: string): Promise<string | undefined> {
    if (this.#asked.size >= ASKED_MAX) return Promise.resolve(undefined);
    const answer = this.#last
      .then(() => this.#lookup(host))
      .catch(() => undefined)
      .then((address) => {
        this.#asked.delete(host);
        this.#remember(host, address);
        return address;
      });
    this.#last = answer;
    this.#asked.set(host, answer);
    return answer;
  }

  #remember(host: string, address: string | undefined): void {
    if (this.#known.size >= REMEMBERED_MAX) this.#known.clear();
    const untilMs = this.#clock.now() + (address === undefined ? UNKNOWN_MS : KNOWN_MS);
    this.#known.set(host, { address, untilMs });
  }
}

async function askSystem(name: string): Promise<string> {
  const { address } = await lookup(name, { verbatim: false });
  return address;
}
