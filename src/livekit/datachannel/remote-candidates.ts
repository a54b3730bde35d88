// The server's candidates, on their way to the transport: none before it has an answer, each once, and over UDP or over TCP first.

import { hasAddress, isOverTcp, type Candidate } from "./candidates.js";
import type { AddCandidate, StreamWays } from "./stream-ways.js";

/** The library compares each with all before, and servers may name any number. */
const CANDIDATES_MAX = 100;

export class RemoteCandidates {
  readonly #ways: StreamWays;
  readonly #add: AddCandidate;
  readonly #known = new Set<string>();
  /** For the answer. */
  #early: Candidate[] | undefined = [];
  /** Those over UDP, as long as TCP is tried alone. */
  #later: Candidate[] | undefined;

  /** `add` must not throw. */
  constructor(ways: StreamWays, add: AddCandidate, isTcpFirst: boolean) {
    this.#ways = ways;
    this.#add = add;
    if (isTcpFirst) this.#later = [];
  }

  /** What has no address is left out: the library starts a thread for each name, to look it up. */
  learn({ candidate, mid }: Candidate): void {
    const line = candidate.replace(/^a=/, "");
    if (this.#known.has(line) || this.#known.size >= CANDIDATES_MAX || !hasAddress(line)) return;
    this.#known.add(line);
    const known = { candidate: line, mid };
    if (this.#early) this.#early.push(known);
    else this.#try(known);
  }

  /** The transport can take them from now on. */
  begin(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    if (this.#later) this.#ways.tryDirect(this.#add);
    for (const each of early) this.#try(each);
  }

  /** By UDP and TCP, from now on. */
  tryAll(): void {
    this.#ways.tryDirect(this.#add);
    const later = this.#later ?? [];
    this.#later = undefined;
    for (const each of later) this.#try(each);
  }

  #try(each: Candidate): void {
    if (isOverTcp(each.candidate)) this.#ways.learn(each.candidate, each.mid);
    else if (this.#later) this.#later.push(each);
    else this.#add(each.candidate, each.mid);
  }
}
