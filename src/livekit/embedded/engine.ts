// The seam's `RoomEngine` over the in-memory server.

import type { Clock } from "../../time.js";
import { createPacer } from "../pacer.js";
import { RoomConnectError, type ConnectRequest, type Room, type RoomEngine, type RoomListener } from "../room.js";
import { joinEmbeddedRoom } from "./presence.js";
import type { FaultDesk } from "./faults.js";
import type { Sfu } from "./sfu.js";
import type { Grants } from "./token.js";

export interface EmbeddedEngineParts {
  readonly clock: Clock;
  readonly sfu: Sfu;
  readonly faults: FaultDesk;
  /** Whether a server answers there. */
  readonly isAnswering: (url: URL) => boolean;
  /** Throws when the token is not good. */
  readonly verify: (token: string) => Grants;
}

/** What rtc-node takes to give up on an address that swallows everything. */
const CONNECT_TIMEOUT_MS = 16_000;
const FRAME_MS = 10;
const SCHEMES = new Set(["ws:", "wss:", "http:", "https:"]);

export function createEmbeddedEngine(parts: EmbeddedEngineParts): RoomEngine {
  const { clock, sfu, faults } = parts;
  const pacer = createPacer(clock, FRAME_MS);
  const tally = { tracks: 0, connecting: 0 };
  const open = new Set<Room>();
  const disposal = new AbortController();
  let disposing: Promise<void> | undefined;

  async function connect(request: ConnectRequest, listener: RoomListener): Promise<Room> {
    if (disposal.signal.aborted) throw new RoomConnectError("internal", "the engine has been disposed");
    const url = parseUrl(request.url);
    if (request.signal.aborted) throw new RoomConnectError("aborted", "given up before it began");
    tally.connecting++;
    try {
      return await attempt(request, url, listener);
    } catch (error) {
      if (!request.signal.aborted && !disposal.signal.aborted) throw error;
      throw new RoomConnectError("aborted", "given up", { cause: error });
    } finally {
      tally.connecting--;
    }
  }

  async function attempt(request: ConnectRequest, url: URL, listener: RoomListener): Promise<Room> {
    const subject = { url: request.url, ...whoseToken(parts, request.token) };
    const limits = { limitMs: CONNECT_TIMEOUT_MS, ended: disposal.signal, abort: request.signal };
    const outcome = await faults.hold("holdConnect", subject, limits);
    if (outcome === "timeout") throw new RoomConnectError("timeout", `no answer from ${url.host}`);
    if (outcome === "aborted") throw new RoomConnectError("aborted", "given up");
    const refusal = faults.connectRefusal(subject);
    if (refusal !== undefined) throw new RoomConnectError(refusal, "the server refused");
    if (!parts.isAnswering(url)) throw new RoomConnectError("unreachable", `nobody answers at ${url.host}`);
    const grants = authorize(parts, request.token);
    // From here on the server lets it in, wanted or not: an abort that comes too late still evicts an older participant
    // of the identity, as it does with an SDK whose connects cannot be cancelled.
    const room = joinEmbeddedRoom({ clock, sfu, faults, pacer, open, tally }, grants, listener);
    if (!request.signal.aborted && !disposal.signal.aborted) return room;
    await room.close();
    throw new RoomConnectError("aborted", "given up while it connected");
  }

  return {
    name: "embedded",
    connect,
    counts: () => ({ rooms: open.size, ...tally }),
    dispose() {
      disposal.abort();
      disposing ??= Promise.all([...open].map((room) => room.close())).then(() => undefined);
      return disposing;
    },
  };
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text)) throw new RoomConnectError("invalid_url", "the url is malformed");
  const url = new URL(text);
  if (!SCHEMES.has(url.protocol)) throw new RoomConnectError("invalid_url", `the scheme ${url.protocol} is not served`);
  if (url.host === "") throw new RoomConnectError("invalid_url", "the url names no host");
  return url;
}

function authorize(parts: EmbeddedEngineParts, token: string): Grants {
  try {
    return parts.verify(token);
  } catch (error) {
    throw new RoomConnectError("unauthorized", error instanceof Error ? error.message : "bad token", { cause: error });
  }
}

/** For faults that are meant for somebody; a bad token is nobody's. */
function whoseToken(parts: EmbeddedEngineParts, token: string): Partial<Grants> {
  try {
    return parts.verify(token);
  } catch {
    return {};
  }
}
