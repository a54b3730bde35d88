import { expect, test } from "vitest";
import { RoomConnectError, type RoomConnectErrorCode } from "../../../src/livekit/room.js";
import { eventually, ignoreAll, sleep, type Stage } from "./stage.js";

interface Failure {
  readonly code: RoomConnectErrorCode;
  readonly elapsedMs: number;
}

/** Connects and returns how that failed; a success is closed and fails the test. */
async function failureOf(stage: Stage, url: string, token: string, signal?: AbortSignal): Promise<Failure> {
  const beganAt = performance.now();
  const request = { url, token, signal: signal ?? new AbortController().signal };
  try {
    const room = await stage.harness.engine.connect(request, ignoreAll());
    await room.close();
  } catch (error) {
    expect(error).toBeInstanceOf(RoomConnectError);
    const { code, message } = error as RoomConnectError;
    if (token !== "") expect(message, "a token never appears in a message").not.toContain(token);
    return { code, elapsedMs: performance.now() - beganAt };
  }
  throw new Error("connected, though it should not have");
}

export function describeConnecting(stage: () => Stage): void {
  test.each([
    ["signed with another secret", async (stage: Stage) => forge(await stage.harness.token("bridge", "any"))],
    ["expired", async (stage: Stage) => await stage.harness.token("bridge", "any", { ttlSeconds: -120 })],
    ["that is no token at all", async () => await Promise.resolve("not-a-token")],
    ["left empty", async () => await Promise.resolve("")],
  ])("a token %s is unauthorized, within a second", async (_name, makeToken) => {
    const failure = await failureOf(stage(), stage().harness.url, await makeToken(stage()));
    expect(failure.code).toBe("unauthorized");
    expect(failure.elapsedMs).toBeLessThan(1_000);
  });

  test.each(["ftp://127.0.0.1:7880", "127.0.0.1:7880", "no url", "ws://", ""])(
    "the url %j is invalid, before anybody is asked",
    async (url) => {
      const failure = await failureOf(stage(), url, await stage().harness.token("bridge", "any"));
      expect(failure.code).toBe("invalid_url");
      expect(failure.elapsedMs).toBeLessThan(1_000);
    },
  );

  test("a port where nobody listens is unreachable, within a second", async () => {
    const failure = await failureOf(stage(), "ws://127.0.0.1:1", await stage().harness.token("bridge", "any"));
    expect(failure.code).toBe("unreachable");
    expect(failure.elapsedMs).toBeLessThan(1_000);
  });

  test("an abort beforehand rejects as aborted, and nobody was ever in the room", async () => {
    const name = stage().freshRoom();
    const token = await stage().harness.token("bridge", name);
    const failure = await failureOf(stage(), stage().harness.url, token, AbortSignal.abort());
    expect(failure.code).toBe("aborted");
    expect(stage().harness.engine.counts()).toEqual({ rooms: 0, connecting: 0, tracks: 0 });
    expect(await stage().harness.identities(name)).toEqual([]);
  });

  test.each([0, 1, 5, 20])(
    "an abort %i ms into it leaves either a room or nothing, and nobody behind",
    async (delayMs) => {
      const name = stage().freshRoom();
      const { engine, url } = stage().harness;
      const token = await stage().harness.token("bridge", name);
      const giveUp = new AbortController();
      const connecting = engine.connect({ url, token, signal: giveUp.signal }, ignoreAll());
      const outcome = connecting.then(
        async (room) => await room.close(),
        (error: unknown) => expect(error).toMatchObject({ name: "RoomConnectError", code: "aborted" }),
      );
      if (delayMs > 0) await sleep(delayMs);
      giveUp.abort();
      await outcome;
      expect(engine.counts()).toEqual({ rooms: 0, connecting: 0, tracks: 0 });
      await eventually(async () => expect(await stage().harness.identities(name)).toEqual([]));
    },
  );

  test("an abort in the same instant always wins", async () => {
    const name = stage().freshRoom();
    const giveUp = new AbortController();
    const token = await stage().harness.token("bridge", name);
    const failing = failureOf(stage(), stage().harness.url, token, giveUp.signal);
    expect(stage().harness.engine.counts().connecting).toBe(1);
    giveUp.abort();
    expect((await failing).code).toBe("aborted");
  });

  test("an abort after success changes nothing", async () => {
    const name = stage().freshRoom();
    const { engine, url } = stage().harness;
    const token = await stage().harness.token("bridge", name);
    const giveUp = new AbortController();
    const room = await engine.connect({ url, token, signal: giveUp.signal }, ignoreAll());
    giveUp.abort();
    const other = await stage().connect("other", name);
    await eventually(() => expect(other.room.remoteIdentities).toEqual(["bridge"]));
    expect(await stage().harness.identities(name)).toContain("bridge");
    await room.close();
  });
}

/** The same claims under a signature that does not fit. */
function forge(token: string): string {
  const [header, payload, signature = ""] = token.split(".");
  return [header, payload, signature.split("").toReversed().join("")].join(".");
}
