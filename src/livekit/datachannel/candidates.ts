// Candidates of ICE: addresses at which a side may be reached, in lines of text (RFC 8839, 5.1).

import { isIP } from "node:net";

const CANDIDATE_MAX_CHARS = 1000;

export interface Candidate {
  readonly candidate: string;
  readonly mid: string;
}

/** A description's candidates, and what it is without them. */
export function takeCandidates(sdp: string): { readonly text: string; readonly candidates: readonly Candidate[] } {
  const candidates: Candidate[] = [];
  let mid = "";
  const rest = sdp.split("\r\n").filter((line) => {
    if (line.startsWith("a=mid:")) mid = line.slice("a=mid:".length);
    if (!line.startsWith("a=candidate:")) return line !== "a=end-of-candidates";
    candidates.push({ candidate: line, mid });
    return false;
  });
  return { text: rest.join("\r\n"), candidates };
}

/** Of any kind of TCP: nothing for a library that knows UDP alone. */
export function isOverTcp(candidate: string): boolean {
  return /^(?:a=)?candidate:\S+ \d+ tcp /i.test(candidate);
}

/** By its address, and not too long to be one. A name would have to be looked up, and servers may name anything. */
export function hasAddress(candidate: string): boolean {
  return candidate.length <= CANDIDATE_MAX_CHARS && isIP(candidate.split(" ", 5)[4] ?? "") !== 0;
}
