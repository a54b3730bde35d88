// Opens an audio URL that a stranger has given, without letting the stranger reach the inside of the network, hold a
// connection for nothing, or fill the memory. docs/decisions/0004-safe-fetching.md tells the reasons.
//
// Each hop: judge the URL, look its name up once, judge every address, connect to one of those, see where we have really
// arrived, ask, judge the answer. A redirect begins again with the next hop. Then the consumer pulls the body.

import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { Clock } from "../../time.js";
import { redirectOf, refuseAnswer, refuseBody } from "./answer-rules.js";
import { type AudioUrl, forbidden, parseAudioUrl, parseRedirect, refuseLiteral } from "./audio-url.js";
import type { BodyInbox } from "./body-inbox.js";
import { type ResolvedAddress, connectTo } from "./connect.js";
import { FetchError, aborted, toFetchError } from "./fetch-error.js";
import { type AddressGuard, type FetchPolicy, createAddressGuard } from "./fetch-policy.js";
import { FetchScope } from "./fetch-scope.js";
import { PaceWatch } from "./pace-watch.js";
import { type Answer, request } from "./request.js";

export { FetchError, type FetchErrorCode } from "./fetch-error.js";
export type { FetchPolicy } from "./fetch-policy.js";

export interface FetchLimits {
  readonly redirectsMax: number;
  /** For each hop: looking the name up, TCP and TLS together. */
  readonly connectTimeoutMs: number;
  /** For each hop: from the connection to the first byte of the body. */
  readonly firstByteTimeoutMs: number;
  /** Longest wait for the next bytes. Only time in which the consumer waits counts, here and for the rate. */
  readonly stallTimeoutMs: number;
  /** A server that was slower for `stallTimeoutMs` is given up. 0: any rate will do. */
  readonly minimumBytesPerSecond: number;
  readonly sizeMaxBytes: number;
}

export interface FetchParts {
  readonly clock: Clock;
  readonly limits: FetchLimits;
  readonly policy: FetchPolicy;
  /** All addresses of a name. Default: what the system answers (`dns.lookup`). */
  readonly resolve?: (hostname: string) => Promise<readonly ResolvedAddress[]>;
}

export interface OpenedUrl {
  /** As the server says it, "" if it does not. Nothing may depend on it but a text. */
  readonly contentType: string;
  /** Undefined if the server does not say. */
  readonly sizeBytes: number | undefined;
  /** Bytes that the consumer has had. */
  readonly bytesRead: number;
  /** For one consumer. Reads ahead by a small bounded buffer and no more. Throws FetchError. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends the connection and forgets what was read ahead. To be called unless the body was read to its end. */
  close(): void;
}

export interface UrlOpener {
  /** Resolves when the first bytes of the body are there. Rejects with FetchError. */
  open(url: string, signal: AbortSignal): Promise<OpenedUrl>;
  /** What can be said without asking anybody: scheme, user name, addresses in the URL. */
  check(url: string): FetchError | undefined;
  /** Ends all downloads; resolves when their sockets are closed. */
  close(): Promise<void>;
}

export function createUrlOpener(parts: FetchParts): UrlOpener {
  const { clock, limits, policy } = parts;
  const guard = createAddressGuard(policy);
  const hopParts: HopParts = { limits, guard, resolve: parts.resolve ?? lookUp };
  const scopes = new Set<FetchScope>();
  let isClosed = false;

  return {
    async open(url, signal) {
      if (isClosed) throw aborted();
      const scope = new FetchScope(clock, signal);
      scopes.add(scope);
      scope.signal.addEventListener("abort", () => {
        void scope.released().then(() => scopes.delete(scope));
      });
      try {
        scope.throwIfStopped();
        return opened(await follow(url, scope, hopParts), scope, new PaceWatch(clock, limits));
      } catch (thrown) {
        scope.stop(toFetchError(thrown));
        throw scope.failure ?? thrown;
      }
    },
    check(text) {
      try {
        return refuseLiteral(parseAudioUrl(text), guard);
      } catch (thrown) {
        return toFetchError(thrown);
      }
    },
    async close() {
      isClosed = true;
      const all = [...scopes];
      for (const scope of all) scope.stop(aborted());
      await Promise.all(all.map((scope) => scope.released()));
    },
  };
}

interface HopParts {
  readonly limits: FetchLimits;
  readonly guard: AddressGuard;
  readonly resolve: NonNullable<FetchParts["resolve"]>;
}

async function follow(text: string, scope: FetchScope, parts: HopParts): Promise<Answer> {
  const { redirectsMax } = parts.limits;
  let url = parseAudioUrl(text);
  for (let redirects = 0; ; redirects++) {
    const hop = await ask(url, scope, parts);
    if (hop.redirect === undefined) return hop.answer;
    if (redirects >= redirectsMax) {
      throw new FetchError("too_many_redirects", `audio URL redirects more than ${redirectsMax} times`);
    }
    url = parseRedirect(hop.redirect, url);
  }
}

/** One hop. An answer that is no redirect is good, and its first bytes are there. */
async function ask(
  url: AudioUrl,
  scope: FetchScope,
  parts: HopParts,
): Promise<{ readonly answer: Answer; readonly redirect: string | undefined }> {
  const { connectTimeoutMs, firstByteTimeoutMs, sizeMaxBytes } = parts.limits;
  const lateToConnect = `audio URL did not connect within ${connectTimeoutMs / 1000} s`;
  const socket = await scope.within(connectTimeoutMs, lateToConnect, async () => {
    const addresses = await admittedAddresses(url, parts);
    scope.throwIfStopped();
    return connectTo(url, addresses, scope);
  });
  const lateToAnswer = `audio URL sent no data within ${firstByteTimeoutMs / 1000} s`;
  return scope.within(firstByteTimeoutMs, lateToAnswer, async () => {
    const answer = await request(url, socket, sizeMaxBytes);
    const { inbox } = answer;
    const redirect = redirectOf(answer);
    if (redirect === undefined) {
      throwIf(refuseAnswer(answer, sizeMaxBytes));
      await inbox.ready();
      throwIf(refuseBody(answer, inbox.first ?? inbox.take()));
    } else {
      inbox.drop(undefined);
    }
    return { answer, redirect };
  });
}

async function admittedAddresses(url: AudioUrl, { guard, resolve }: HopParts): Promise<readonly ResolvedAddress[]> {
  const { hostname } = url;
  const found = isIP(hostname) === 0 ? await resolve(hostname) : [resolved(hostname)];
  if (found.length === 0) throw Object.assign(new Error("no address"), { code: "ENODATA" });
  const addresses = found.map(({ address }) => address);
  if (!guard.admits(url, addresses)) throw forbidden();
  return found;
}

async function lookUp(hostname: string): Promise<readonly ResolvedAddress[]> {
  const found = await lookup(hostname, { all: true });
  return found.map(({ address }) => resolved(address));
}

const resolved = (address: string): ResolvedAddress => ({ address, family: isIP(address) === 6 ? 6 : 4 });

function throwIf(error: FetchError | undefined): void {
  if (error !== undefined) throw error;
}

function opened({ headers, sizeBytes, inbox }: Answer, scope: FetchScope, pace: PaceWatch): OpenedUrl {
  let bytesRead = 0;
  scope.signal.addEventListener("abort", () => inbox.drop(scope.failure), { once: true });

  async function* read(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        const chunk = await next(inbox, scope, pace);
        if (chunk === undefined) return;
        bytesRead += chunk.length;
        yield chunk;
      }
    } finally {
      scope.stop();
    }
  }

  return {
    contentType: headers["content-type"] ?? "",
    sizeBytes,
    get bytesRead() {
      return bytesRead;
    },
    body: read(),
    close: () => scope.stop(aborted()),
  };
}

/** Only here does somebody wait for bytes, so only here does the pace of the server matter. */
async function next(inbox: BodyInbox, scope: FetchScope, pace: PaceWatch): Promise<Uint8Array | undefined> {
  if (!inbox.isReady) {
    const received = () => inbox.receivedBytes;
    await pace.watch(received, inbox.ready(), (error) => scope.stop(error));
  }
  return inbox.take();
}
