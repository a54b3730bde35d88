import { TokenVerifier, AccessToken } from "livekit-server-sdk";
import { describe, expect, test } from "vitest";
import { mintToken, verifyToken } from "../../../src/livekit/embedded/token.js";

const KEYS = { apiKey: "devkey", apiSecret: "secret" };

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

async function good(grants = {}): Promise<string> {
  return await mintToken(KEYS, Date.now(), "alice", "room", grants);
}

function outcomeOf(verify: () => unknown): "good" | "bad" {
  try {
    verify();
    return "good";
  } catch {
    return "bad";
  }
}

describe("an access token", () => {
  test.each<[string, () => Promise<string>]>([
    ["as minted", good],
    ["of another secret", () => mintToken({ ...KEYS, apiSecret: "other" }, Date.now(), "alice", "room")],
    ["of another key", () => mintToken({ ...KEYS, apiKey: "other" }, Date.now(), "alice", "room")],
    ["that expired two minutes ago", () => good({ ttlSeconds: -120 })],
    ["whose claims were exchanged", async () => (await good()).replace(/\.[^.]+\./, `.${part({ sub: "eve" })}.`)],
    ["whose algorithm is none", async () => `${part({ alg: "none" })}.${(await good()).split(".")[1] ?? ""}.`],
    ["with a fourth part", async () => `${await good()}.x`],
    ["without signature", async () => (await good()).split(".").slice(0, 2).join(".")],
    ["whose header is no JSON", async () => (await good()).replace(/^[^.]+/, "e30x")],
    ["that is a word", async () => await Promise.resolve("word")],
    ["that is empty", async () => await Promise.resolve("")],
  ])("%s is judged here as LiveKit's own verifier judges it", async (_name, make) => {
    const token = await make();
    const here = outcomeOf(() => verifyToken(KEYS, Date.now(), token));
    const theirs = await new TokenVerifier(KEYS.apiKey, KEYS.apiSecret).verify(token).then(
      () => "good",
      () => "bad",
    );
    expect(here).toBe(theirs);
  });

  test("names identity and room, and permits everything by default", async () => {
    expect(verifyToken(KEYS, Date.now(), await good())).toEqual({
      identity: "alice",
      room: "room",
      canPublish: true,
      canPublishData: true,
      canSubscribe: true,
    });
  });

  test("that forbids to publish forbids data as well, unless it says otherwise", async () => {
    const grantsOf = async (grants: object) => verifyToken(KEYS, Date.now(), await good(grants));
    expect(await grantsOf({ canPublish: false })).toMatchObject({ canPublish: false, canPublishData: false });
    expect(await grantsOf({ canPublish: false, canPublishData: true })).toMatchObject({ canPublishData: true });
    expect(await grantsOf({ canSubscribe: false })).toMatchObject({ canPublish: true, canSubscribe: false });
  });

  test("must grant to join a room that it names", async () => {
    const now = Date.now();
    const noJoin = await good({ roomJoin: false });
    const noRoom = new AccessToken(KEYS.apiKey, KEYS.apiSecret, { identity: "alice" });
    noRoom.addGrant({ roomJoin: true });
    const noRoomToken = await noRoom.toJwt();
    expect(() => verifyToken(KEYS, now, noJoin)).toThrow("does not grant");
    expect(() => verifyToken(KEYS, now, noRoomToken)).toThrow("does not grant");
  });

  test("lasts as long as it says on the given clock, and a minute more for clocks that differ", async () => {
    const laterMs = Date.now() + 86_400_000;
    const token = await mintToken(KEYS, laterMs, "alice", "room", { ttlSeconds: 60 });
    expect(outcomeOf(() => verifyToken(KEYS, laterMs + 115_000, token))).toBe("good");
    expect(outcomeOf(() => verifyToken(KEYS, laterMs + 125_000, token))).toBe("bad");
    expect(outcomeOf(() => verifyToken(KEYS, Date.now() - 120_000, token))).toBe("bad");
  });

  test("is never part of the complaint about it", async () => {
    const token = await good({ ttlSeconds: -120 });
    expect(() => verifyToken(KEYS, Date.now(), token)).toThrow(/^token has expired$/);
  });
});
