// LiveKit access tokens for the two sides of a user's room: the phone joins under the user's own id, the cloud's agents under
// another, since LiveKit lets only the newest participant of an identity stay. Keys and tokens are in no log and no error.

import { AccessToken } from "livekit-server-sdk";
import { BridgeClientError } from "../errors.js";
import { type ClientLogger, silentLogger } from "../log.js";

type Environment = Readonly<Record<string, string | undefined>>;

export interface AccessTokenRequest {
  readonly identity: string;
  readonly roomName: string;
  /** 300 s by default, a day at most. */
  readonly ttlSeconds?: number;
  /** What is not granted here is refused by LiveKit. */
  readonly canPublish?: boolean;
  readonly canPublishData?: boolean;
  readonly canSubscribe?: boolean;
}

export interface LiveKitTokenServiceOptions {
  /** Where LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET are read with each call; `process.env` by default. */
  readonly env?: Environment;
  readonly logger?: ClientLogger;
}

export class LiveKitTokenService {
  readonly #env: Environment | undefined;
  readonly #logger: ClientLogger;
  #hasWarned = false;

  constructor(options: LiveKitTokenServiceOptions = {}) {
    this.#env = options.env;
    this.#logger = options.logger ?? silentLogger;
  }

  /** LiveKit's address as the phones reach it; empty if none is set. */
  getUrl(): string {
    return this.#read("LIVEKIT_URL");
  }

  /** Null without keys, which is warned about once, through `logger` if it is given. Bad requests reject. */
  async mintAccessTokenAsync(request: AccessTokenRequest, logger = this.#logger): Promise<string | null> {
    const { identity, roomName, ttlSeconds = CLIENT_TTL_SECONDS } = request;
    assertName("identity", identity);
    assertName("roomName", roomName);
    assertTtl(ttlSeconds);
    const apiKey = this.#read("LIVEKIT_API_KEY");
    const apiSecret = this.#read("LIVEKIT_API_SECRET");
    if (apiKey === "" || apiSecret === "") {
      this.#warnOnce(logger);
      return null;
    }
    this.#hasWarned = false;
    const token = new AccessToken(apiKey, apiSecret, { identity, ttl: ttlSeconds });
    // Each permission is spelt out: LiveKit takes one that is left out for granted.
    const { canPublish = false, canPublishData = false, canSubscribe = false } = request;
    token.addGrant({ roomJoin: true, room: roomName, canPublish, canPublishData, canSubscribe });
    return token.toJwt();
  }

  /** Line ends that come with secrets from files are no part of them. */
  #read(name: string): string {
    return ((this.#env ?? process.env)[name] ?? "").trim();
  }

  #warnOnce(logger: ClientLogger): void {
    if (this.#hasWarned || logger === silentLogger) return;
    this.#hasWarned = true;
    const missing = ["LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"].filter((name) => this.#read(name) === "");
    logger.warn({ feature: "livekit-grpc", missing }, "LIVEKIT env vars are not fully configured");
  }
}

/** Reads the process's environment with each use, not when it is imported. */
export const liveKitTokenService = new LiveKitTokenService();

export interface UserTokenRequest {
  readonly userId: string;
  /** The user's id by default. */
  readonly roomName?: string;
  readonly logger?: ClientLogger;
}

type Tokens = Pick<LiveKitTokenService, "mintAccessTokenAsync">;

/** For a phone that speaks: audio tracks and data packets out, nothing in. */
export function mintClientPublishToken(tokens: Tokens, request: UserTokenRequest): Promise<string | null> {
  const grants = { canPublish: true, canPublishData: true, canSubscribe: false };
  return mint(tokens, request, phoneIdentity, { ...grants, ttlSeconds: CLIENT_TTL_SECONDS });
}

/** For a phone that only listens. */
export function mintClientSubscribeToken(tokens: Tokens, request: UserTokenRequest): Promise<string | null> {
  return mint(tokens, request, phoneIdentity, { ...LISTEN_ONLY, ttlSeconds: CLIENT_TTL_SECONDS });
}

/** For an agent of the cloud that only listens. It takes the bridge's place in the room, should both join. */
export function mintAgentSubscribeToken(tokens: Tokens, request: UserTokenRequest): Promise<string | null> {
  return mint(tokens, request, agentIdentity, { ...LISTEN_ONLY, ttlSeconds: CLIENT_TTL_SECONDS });
}

/** For the bridge: hears the phone, speaks to it. To be minted anew for every join. */
export function mintAgentBridgeToken(tokens: Tokens, request: UserTokenRequest): Promise<string | null> {
  const grants = { canPublish: true, canPublishData: true, canSubscribe: true };
  return mint(tokens, request, agentIdentity, { ...grants, ttlSeconds: BRIDGE_TTL_SECONDS });
}

/** Under which identity the bridge is in a user's room. */
export function agentIdentity(userId: string): string {
  return `${AGENT_PREFIX}${userId}`;
}

const AGENT_PREFIX = "cloud-agent:";
const CLIENT_TTL_SECONDS = 300;
/** Longer than the others: the bridge may take its time between the mint and the join, and resumes with it. */
const BRIDGE_TTL_SECONDS = 600;
const TTL_MAX_SECONDS = 86_400;
/** LiveKit's own limit for identities and for names of rooms, which it counts in UTF-8. */
const NAME_MAX_BYTES = 256;
const LISTEN_ONLY = { canPublish: false, canPublishData: false, canSubscribe: true };

async function mint(
  tokens: Tokens,
  { userId, roomName = userId, logger }: UserTokenRequest,
  identityOf: (userId: string) => string,
  grants: Omit<AccessTokenRequest, "identity" | "roomName">,
): Promise<string | null> {
  assertName("userId", userId);
  if (userId.startsWith(AGENT_PREFIX))
    throw refusal(`userId must not begin with ${AGENT_PREFIX}, as the bridge's does`);
  return tokens.mintAccessTokenAsync({ ...grants, identity: identityOf(userId), roomName }, logger);
}

function phoneIdentity(userId: string): string {
  return userId;
}

/** Callers without types pass what they have, so that the type is checked as well. */
function assertName(field: string, name: unknown): void {
  if (typeof name !== "string" || name.trim() === "") throw refusal(`${field} must not be empty`);
  // Half a character is written as the replacement character: two users would share an identity.
  if (/\p{Surrogate}/u.test(name)) throw refusal(`${field} must be valid Unicode`);
  const bytes = Buffer.byteLength(name);
  if (bytes > NAME_MAX_BYTES) throw refusal(`${field} must be at most ${NAME_MAX_BYTES} bytes of UTF-8 (got ${bytes})`);
}

/** Zero would be taken for "not given" by LiveKit's SDK, and last for six hours. */
function assertTtl(ttlSeconds: number): void {
  if (Number.isInteger(ttlSeconds) && ttlSeconds >= 1 && ttlSeconds <= TTL_MAX_SECONDS) return;
  throw refusal(`ttlSeconds must be a whole number from 1 to ${TTL_MAX_SECONDS} (got ${ttlSeconds})`);
}

function refusal(message: string): BridgeClientError {
  return new BridgeClientError("invalid_argument", message);
}
