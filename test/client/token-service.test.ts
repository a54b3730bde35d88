import { createHmac } from "node:crypto";
import { TokenVerifier } from "livekit-server-sdk";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type AccessTokenRequest,
  agentIdentity,
  LiveKitTokenService,
  liveKitTokenService,
  mintAgentBridgeToken,
  mintAgentSubscribeToken,
  mintClientPublishToken,
  mintClientSubscribeToken,
} from "../../src/client/cloud/token-service.js";
import type { ClientLogger } from "../../src/client/log.js";

const KEY = "the-key";
const SECRET = "a-secret-that-is-long-enough-for-hs256-and-odd";
const NOW_MS = Date.parse("2030-01-02T03:04:05.000Z");
const NOW_S = NOW_MS / 1000;
const ENV = { LIVEKIT_URL: "wss://rooms.example", LIVEKIT_API_KEY: KEY, LIVEKIT_API_SECRET: SECRET };

// LiveKit's SDK takes no clock: it looks at the process's date, so that is what stands still here.
beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: NOW_MS }));
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

const kinds = [
  {
    kind: "a phone's publish token",
    mint: mintClientPublishToken,
    identity: "alice",
    ttlSeconds: 300,
    grants: { canPublish: true, canPublishData: true, canSubscribe: false },
  },
  {
    kind: "a phone's subscribe token",
    mint: mintClientSubscribeToken,
    identity: "alice",
    ttlSeconds: 300,
    grants: { canPublish: false, canPublishData: false, canSubscribe: true },
  },
  {
    kind: "an agent's subscribe token",
    mint: mintAgentSubscribeToken,
    identity: "cloud-agent:alice",
    ttlSeconds: 300,
    grants: { canPublish: false, canPublishData: false, canSubscribe: true },
  },
  {
    kind: "a bridge's token",
    mint: mintAgentBridgeToken,
    identity: "cloud-agent:alice",
    ttlSeconds: 600,
    grants: { canPublish: true, canPublishData: true, canSubscribe: true },
  },
];

describe("of the four kinds of tokens", () => {
  it.each(kinds)("$kind is $identity's for $ttlSeconds s, and grants exactly what it must", async (expected) => {
    const token = await expected.mint(new LiveKitTokenService({ env: ENV }), { userId: "alice" });
    expect(claimsOf(token)).toEqual({
      iss: KEY,
      sub: expected.identity,
      nbf: NOW_S,
      exp: NOW_S + expected.ttlSeconds,
      video: { roomJoin: true, room: "alice", ...expected.grants },
    });
  });

  it.each(kinds)("$kind is for the room that is named, where that is not the user's own", async ({ mint }) => {
    const token = await mint(new LiveKitTokenService({ env: ENV }), { userId: "alice", roomName: "staging-7" });
    expect(claimsOf(token)["video"]).toMatchObject({ room: "staging-7" });
  });

  it.each(kinds)("$kind is accepted by LiveKit's own verifier, and by none with another key or secret", async (k) => {
    const token = String(await k.mint(new LiveKitTokenService({ env: ENV }), { userId: "alice" }));
    await expect(new TokenVerifier(KEY, SECRET).verify(token)).resolves.toMatchObject({ sub: k.identity });
    await expect(new TokenVerifier(KEY, `${SECRET}!`).verify(token)).rejects.toThrow(/signature/);
    await expect(new TokenVerifier("another", SECRET).verify(token)).rejects.toThrow(/iss/);
  });

  it.each(kinds)("$kind is null without keys", async ({ mint }) => {
    await expect(mint(new LiveKitTokenService({ env: {} }), { userId: "alice" })).resolves.toBeNull();
  });

  it.each(kinds)("$kind is refused to a user whose id could be taken for a bridge's identity", async ({ mint }) => {
    await expect(mint(new LiveKitTokenService({ env: ENV }), { userId: "cloud-agent:bob" })).rejects.toMatchObject({
      code: "invalid_argument",
      message: "userId must not begin with cloud-agent:, as the bridge's does",
    });
  });

  it("phone and bridge of a user never share an identity", async () => {
    const tokens = new LiveKitTokenService({ env: ENV });
    for (const userId of ["alice", "cloud-agent", "cloud-agent-bob", " cloud-agent:bob"]) {
      const phone = claimsOf(await mintClientPublishToken(tokens, { userId }));
      const bridge = claimsOf(await mintAgentBridgeToken(tokens, { userId }));
      expect(phone["sub"]).toBe(userId);
      expect(bridge["sub"]).toBe(agentIdentity(userId));
      expect(bridge["sub"]).not.toBe(phone["sub"]);
    }
  });
});

describe("user ids", () => {
  it.each(["a.b+c@example.com", 'O\'Neil "x"\\', "用户 🙂", "a/b?c#d%20&e", "line\nbreak", "null", "__proto__"])(
    "such as %j come through unchanged, as identity and as room",
    async (userId) => {
      const claims = claimsOf(await mintAgentBridgeToken(new LiveKitTokenService({ env: ENV }), { userId }));
      expect(claims).toMatchObject({ sub: `cloud-agent:${userId}`, video: { room: userId } });
    },
  );

  it.each(["", "  ", "\n", undefined, null, 7])("that are empty or no text (%j) are refused", async (userId) => {
    const minted = mintClientPublishToken(new LiveKitTokenService({ env: ENV }), { userId: userId as string });
    const message = "userId must not be empty";
    await expect(minted).rejects.toMatchObject({ name: "BridgeClientError", code: "invalid_argument", message });
  });

  it("with half a character are refused, since two of them would become one identity", async () => {
    const minted = mintClientPublishToken(new LiveKitTokenService({ env: ENV }), { userId: "a\ud83d" });
    await expect(minted).rejects.toThrow("userId must be valid Unicode");
  });

  it.each([
    ["ASCII letters", "x".repeat(256)],
    ["letters of two bytes", "é".repeat(128)],
  ])("of 256 bytes are the longest for a phone: %s", async (_what, userId) => {
    const tokens = new LiveKitTokenService({ env: ENV });
    expect(claimsOf(await mintClientPublishToken(tokens, { userId }))["sub"]).toBe(userId);
    const longer = mintClientPublishToken(tokens, { userId: `${userId}x` });
    await expect(longer).rejects.toThrow("userId must be at most 256 bytes of UTF-8 (got 257)");
  });

  it("of 244 bytes are the longest for a bridge, whose prefix counts", async () => {
    const tokens = new LiveKitTokenService({ env: ENV });
    const userId = "x".repeat(244);
    expect(claimsOf(await mintAgentBridgeToken(tokens, { userId }))["sub"]).toHaveLength(256);
    const longer = mintAgentBridgeToken(tokens, { userId: `${userId}x` });
    await expect(longer).rejects.toThrow("identity must be at most 256 bytes of UTF-8 (got 257)");
  });

  it("that are refused are refused without keys as well", async () => {
    await expect(mintClientPublishToken(new LiveKitTokenService({ env: {} }), { userId: "" })).rejects.toThrow(/empty/);
  });
});

describe("mintAccessTokenAsync", () => {
  const request: AccessTokenRequest = { identity: "alice", roomName: "lobby" };
  const mint = (more: Partial<AccessTokenRequest> = {}) =>
    new LiveKitTokenService({ env: ENV }).mintAccessTokenAsync({ ...request, ...more });

  it("grants nothing but the room to those who ask for nothing, and says so in words", async () => {
    const video = { roomJoin: true, room: "lobby", canPublish: false, canPublishData: false, canSubscribe: false };
    expect(claimsOf(await mint())["video"]).toEqual(video);
  });

  it.each(["canPublish", "canPublishData", "canSubscribe"] as const)("grants %s alone", async (flag) => {
    const none = { canPublish: false, canPublishData: false, canSubscribe: false };
    expect(claimsOf(await mint({ [flag]: true }))["video"]).toMatchObject({ ...none, [flag]: true });
  });

  it("lasts 300 s, or as long as is asked for", async () => {
    expect(claimsOf(await mint())["exp"]).toBe(NOW_S + 300);
    expect(claimsOf(await mint({ ttlSeconds: 1 }))["exp"]).toBe(NOW_S + 1);
    expect(claimsOf(await mint({ ttlSeconds: 86_400 }))["exp"]).toBe(NOW_S + 86_400);
  });

  it.each([0, -1, 1.5, 86_401, NaN, Infinity])("refuses to last %d s", async (ttlSeconds) => {
    await expect(mint({ ttlSeconds })).rejects.toThrow("ttlSeconds must be a whole number from 1 to 86400");
  });

  it("refuses an empty identity and an empty room, which the token would name all others by", async () => {
    await expect(mint({ identity: "" })).rejects.toThrow("identity must not be empty");
    await expect(mint({ roomName: "" })).rejects.toThrow("roomName must not be empty");
    await expect(mint({ roomName: "r".repeat(257) })).rejects.toThrow("roomName must be at most 256 bytes");
  });
});

describe("keys and address", () => {
  const request = { identity: "alice", roomName: "alice" };

  it("are read when they are used, not when the service is made", async () => {
    const env: Record<string, string> = {};
    const tokens = new LiveKitTokenService({ env });
    expect(tokens.getUrl()).toBe("");
    await expect(tokens.mintAccessTokenAsync(request)).resolves.toBeNull();
    Object.assign(env, ENV);
    expect(tokens.getUrl()).toBe("wss://rooms.example");
    expect(claimsOf(await tokens.mintAccessTokenAsync(request))["iss"]).toBe(KEY);
  });

  it("of the ready-made service are the process's own", async () => {
    for (const [name, value] of Object.entries(ENV)) vi.stubEnv(name, value);
    expect(liveKitTokenService.getUrl()).toBe("wss://rooms.example");
    expect(claimsOf(await liveKitTokenService.mintAccessTokenAsync(request))["iss"]).toBe(KEY);
    vi.stubEnv("LIVEKIT_API_SECRET", "");
    await expect(liveKitTokenService.mintAccessTokenAsync(request)).resolves.toBeNull();
  });

  it("of the process are not taken where an environment is given", async () => {
    for (const [name, value] of Object.entries(ENV)) vi.stubEnv(name, value);
    const tokens = new LiveKitTokenService({ env: {} });
    expect(tokens.getUrl()).toBe("");
    await expect(tokens.mintAccessTokenAsync(request)).resolves.toBeNull();
  });

  it("may come from a file that ends with a line end", async () => {
    const env = {
      LIVEKIT_URL: " wss://rooms.example\n",
      LIVEKIT_API_KEY: `${KEY}\n`,
      LIVEKIT_API_SECRET: `${SECRET}\r\n`,
    };
    const tokens = new LiveKitTokenService({ env });
    expect(tokens.getUrl()).toBe("wss://rooms.example");
    expect(claimsOf(await tokens.mintAccessTokenAsync(request))["iss"]).toBe(KEY);
  });

  it.each([
    [{}, ["LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"]],
    [{ LIVEKIT_API_KEY: KEY }, ["LIVEKIT_API_SECRET"]],
    [{ LIVEKIT_API_SECRET: SECRET, LIVEKIT_API_KEY: "" }, ["LIVEKIT_API_KEY"]],
  ])("that are missing (%j set) are warned about once, by name", async (env, missing) => {
    const { lines, logger } = createRecorder();
    const tokens = new LiveKitTokenService({ env, logger });
    for (let turn = 0; turn < 3; turn++) await tokens.mintAccessTokenAsync(request);
    const line = {
      level: "warn",
      feature: "livekit-grpc",
      missing,
      message: "LIVEKIT env vars are not fully configured",
    };
    expect(lines).toEqual([line]);
  });

  it("that go missing again are warned about again", async () => {
    const { lines, logger } = createRecorder();
    const env: Record<string, string> = {};
    const tokens = new LiveKitTokenService({ env, logger });
    await tokens.mintAccessTokenAsync(request);
    Object.assign(env, ENV);
    await tokens.mintAccessTokenAsync(request);
    env["LIVEKIT_API_KEY"] = "";
    await tokens.mintAccessTokenAsync(request);
    expect(lines).toHaveLength(2);
  });

  it("that are missing are told to the first caller who has a logger, where the service has none", async () => {
    const { lines, logger } = createRecorder();
    const tokens = new LiveKitTokenService({ env: {} });
    await mintClientPublishToken(tokens, { userId: "alice" });
    await mintClientPublishToken(tokens, { userId: "alice", logger });
    await mintAgentBridgeToken(tokens, { userId: "alice", logger });
    expect(lines).toHaveLength(1);
  });
});

it("keys, secrets and tokens are in no log line and in no error, whatever is minted or refused", async () => {
  const { lines, logger } = createRecorder();
  const written: unknown[] = [];
  for (const method of ["log", "info", "warn", "error", "debug"] as const) {
    vi.spyOn(console, method).mockImplementation((...args) => void written.push(args));
  }
  const minted: string[] = [];
  for (const env of [ENV, { LIVEKIT_API_KEY: KEY }, { LIVEKIT_API_SECRET: SECRET }]) {
    const tokens = new LiveKitTokenService({ env, logger });
    for (const userId of ["alice", "", "x".repeat(300), "cloud-agent:bob"]) {
      for (const { mint } of kinds) {
        const outcome = await mint(tokens, { userId, logger }).catch((error: unknown) => written.push(String(error)));
        if (typeof outcome === "string") minted.push(outcome);
      }
    }
  }
  vi.restoreAllMocks();
  expect(minted).toHaveLength(4);
  expect(lines.length + written.length).toBeGreaterThan(10);
  const text = JSON.stringify([lines, written]);
  for (const secret of [KEY, SECRET, ...minted, ...minted.map((token) => token.split(".")[2])]) {
    expect(text).not.toContain(secret);
  }
});

/** The claims of a token whose signature is right; computed here, not by the SDK that made it. */
function claimsOf(token: string | null): Record<string, unknown> {
  const [header = "", payload = "", signature] = String(token).split(".");
  expect(JSON.parse(Buffer.from(header, "base64url").toString())).toEqual({ alg: "HS256" });
  expect(signature).toBe(createHmac("sha256", SECRET).update(`${header}.${payload}`).digest("base64url"));
  return JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<string, unknown>;
}

function createRecorder() {
  const lines: object[] = [];
  const at = (level: string) => (fields: object, message: string) => void lines.push({ level, ...fields, message });
  const [trace, debug, info, warn, error] = ["trace", "debug", "info", "warn", "error"].map(at);
  const logger = { trace, debug, info, warn, error } as ClientLogger;
  return { lines, logger };
}
