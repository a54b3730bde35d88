// Who is in a user's room, asked of LiveKit itself: what the bridge believes of a room and what is true of it can differ, and
// a phone that never came back is seen here alone. Every question has a limit; a room that is not there is an answer.

import { ParticipantInfo_State, RoomServiceClient, ServerError } from "livekit-server-sdk";
import type { CallOptions } from "../bridge-client.js";
import { type Clock, systemClock } from "../clock.js";
import { BridgeClientError, type ClientErrorCode } from "../errors.js";
import { agentIdentity } from "./token-service.js";

export interface RoomStatusOptions {
  /** ws, wss, http or https: the same server answers to both. */
  readonly url: string;
  readonly apiKey: string;
  readonly apiSecret: string;
  /** For one question as a whole; 3 s by default. */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
}

export interface RoomParticipant {
  readonly identity: string;
  /** Unix time in milliseconds. */
  readonly joinedAtMs: number;
  /** Has a track in the room now. Data packets, in which a phone's microphone comes, are seen by no server. */
  readonly isPublishing: boolean;
}

export interface RoomStatusInfo {
  readonly roomExists: boolean;
  readonly participants: readonly RoomParticipant[];
  readonly clientInRoom: boolean;
  readonly bridgeInRoom: boolean;
}

/** Both reject with a `BridgeClientError`: `unavailable`, `deadline_exceeded`, `unauthenticated`, `aborted` and the like. */
export interface RoomStatus {
  /** The room's name is taken for the user's id, unless that is given. */
  getRoomStatus(roomName: string, options?: CallOptions & { readonly userId?: string }): Promise<RoomStatusInfo>;
  isClientInRoom(userId: string, options?: CallOptions & { readonly roomName?: string }): Promise<boolean>;
}

export function createRoomStatus(options: RoomStatusOptions): RoomStatus {
  const { apiKey, apiSecret, timeoutMs = 3000, clock = systemClock } = options;
  // Without keys the SDK would take those of the environment.
  if (apiKey === "" || apiSecret === "") throw refusal("apiKey and apiSecret must be set");
  if (!(timeoutMs >= 1 && timeoutMs <= TIMEOUT_MAX_MS)) throw refusal(`timeoutMs must be from 1 to ${TIMEOUT_MAX_MS}`);
  // The SDK knows whole seconds and no signal: its limit ends a request that nobody waits for any more.
  const requestTimeout = Math.ceil(timeoutMs / 1000);
  const rooms = new RoomServiceClient(httpUrl(options.url), apiKey, apiSecret, { requestTimeout, failover: false });
  const within = <T>(question: () => Promise<T>, signal: AbortSignal | undefined) =>
    answerWithin(question, { timeoutMs, clock, signal });

  return {
    async getRoomStatus(roomName, { userId = roomName, signal } = {}) {
      assertName("roomName", roomName);
      const question = () => Promise.all([rooms.listRooms([roomName]), participantsOf(rooms, roomName)]);
      const [found, participants] = await within(question, signal);
      const has = (identity: string) => participants.some((participant) => participant.identity === identity);
      return {
        roomExists: found.length > 0 || participants.length > 0,
        participants,
        clientInRoom: has(userId),
        bridgeInRoom: has(agentIdentity(userId)),
      };
    },
    async isClientInRoom(userId, { roomName = userId, signal } = {}) {
      assertName("userId", userId);
      const participants = await within(() => participantsOf(rooms, roomName), signal);
      return participants.some(({ identity }) => identity === userId);
    },
  };
}

const TIMEOUT_MAX_MS = 60_000;

async function participantsOf(rooms: RoomServiceClient, roomName: string): Promise<RoomParticipant[]> {
  const found = await rooms.listParticipants(roomName).catch((error: unknown) => {
    if (error instanceof ServerError && error.code === "not_found") return [];
    throw error;
  });
  return found
    .filter(({ state }) => state !== ParticipantInfo_State.DISCONNECTED)
    .map(({ identity, joinedAt, joinedAtMs, tracks }) => ({
      identity,
      // Servers before 1.8 tell seconds only.
      joinedAtMs: Number(joinedAtMs || joinedAt * 1000n),
      // Not the server's own word for it: that stays true when the last track has gone.
      isPublishing: tracks.length > 0,
    }));
}

interface Limits {
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}

async function answerWithin<T>(question: () => Promise<T>, { timeoutMs, clock, signal }: Limits): Promise<T> {
  const aborted = () => new BridgeClientError("aborted", "LiveKit was not waited for", { cause: signal?.reason });
  if (signal?.aborted === true) throw aborted();
  let release = (): void => {};
  const givenUp = new Promise<never>((_, reject) => {
    const late = `LiveKit did not answer within ${timeoutMs} ms`;
    const timer = clock.setTimeout(() => reject(new BridgeClientError("deadline_exceeded", late)), timeoutMs);
    const onAbort = () => reject(aborted());
    signal?.addEventListener("abort", onAbort, { once: true });
    release = () => {
      clock.clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
  });
  try {
    return await Promise.race([question(), givenUp]);
  } catch (error) {
    throw error instanceof BridgeClientError ? error : toClientError(error);
  } finally {
    release();
  }
}

const CODES: Readonly<Record<number, ClientErrorCode>> = {
  400: "invalid_argument",
  401: "unauthenticated",
  403: "permission_denied",
  404: "unimplemented",
  429: "resource_exhausted",
};

function toClientError(error: unknown): BridgeClientError {
  if (error instanceof ServerError) {
    const code = CODES[error.status] ?? (error.status >= 500 ? "unavailable" : "internal");
    return new BridgeClientError(code, `LiveKit answered ${error.status}: ${error.message}`, { cause: error });
  }
  const name = error instanceof Error ? error.name : "";
  if (name === "TimeoutError") return new BridgeClientError("deadline_exceeded", "LiveKit did not answer in time");
  if (name === "SyntaxError") {
    return new BridgeClientError("internal", "LiveKit's answer cannot be read", { cause: error });
  }
  return new BridgeClientError("unavailable", `LiveKit cannot be reached: ${reasonOf(error)}`, { cause: error });
}

/** The reason of a failed fetch is in its cause: a refused connection, a name that nobody knows. */
function reasonOf(error: unknown): string {
  const { cause } = error instanceof Error ? error : {};
  const { code } = (cause ?? {}) as { readonly code?: unknown };
  if (typeof code === "string") return code;
  return error instanceof Error ? error.message : String(error);
}

/** Never repeats the address: it may hold a password. */
function httpUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !/^(?:ws|http)s?:$/.test(parsed.protocol)) throw refusal("url must be a ws, wss, http or https URL");
  if (parsed.username !== "" || parsed.password !== "") throw refusal("url must not hold a user name or password");
  return parsed.href.replace(/^ws/, "http");
}

function assertName(field: string, name: string): void {
  if (name === "") throw refusal(`${field} must not be empty`);
}

function refusal(message: string): BridgeClientError {
  return new BridgeClientError("invalid_argument", message);
}
