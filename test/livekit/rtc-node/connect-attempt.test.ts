import { ConnectCallback, ConnectCallback_Result } from "@livekit/rtc-ffi-bindings/proto/room_pb.js";
import { describe, expect, test } from "vitest";
import { startConnectAttempt } from "../../../src/livekit/rtc-node/connect-attempt.js";
import { createConnectThrottle } from "../../../src/livekit/connect-throttle.js";
import type { ConnectResult } from "../../../src/livekit/rtc-node/rtc-room.js";
import { createSimulatedClock } from "../../support/simulated-clock.js";

const RESULT = new ConnectCallback_Result({ participants: [] });
const SUCCESS = new ConnectCallback({ message: { case: "result", value: RESULT } });
const FAILURE = new ConnectCallback({ message: { case: "error", value: "client error: 401 Unauthorized" } });

function setUp(request: { url?: string; token?: string } = {}) {
  const clock = createSimulatedClock();
  const left: ConnectResult[] = [];
  const abandoned: Promise<void>[] = [];
  let settle = (_answer: ConnectCallback | Error): void => undefined;
  let isAsked = false;
  const caller = new AbortController();
  const attempt = startConnectAttempt(
    { url: "ws://h", token: "a.b.c", ...request, signal: caller.signal },
    {
      clock,
      throttle: createConnectThrottle({ clock, concurrencyMax: 1, slotMaxMs: 1000 }),
      settleMaxMs: 15_000,
      callConnect() {
        isAsked = true;
        return new Promise((resolve) => (settle = resolve));
      },
      leave: (result) => Promise.resolve(void left.push(result)),
      onAbandoned: (settled) => void abandoned.push(settled),
    },
  );
  const outcome = attempt.joined.then(
    () => "joined",
    (error: unknown) => (error instanceof Error && "code" in error ? error.code : error),
  );
  return {
    clock,
    attempt,
    caller,
    outcome,
    left,
    abandoned,
    settle: (to: ConnectCallback | Error) => settle(to),
    asked: () => isAsked,
  };
}

describe("an attempt to join", () => {
  test("gives the room, and leaves no timer", async () => {
    const { clock, outcome, settle, left } = setUp();
    await clock.advance(0);
    settle(SUCCESS);
    expect(await outcome).toBe("joined");
    expect([left, clock.pending]).toEqual([[], 0]);
  });

  test("asks nothing native with a URL or a token that cannot be", async () => {
    const badUrl = setUp({ url: "ftp://h" });
    const badToken = setUp({ token: "nonsense" });
    expect(await Promise.all([badUrl.outcome, badToken.outcome])).toEqual(["invalid_url", "unauthorized"]);
    expect([badUrl.asked(), badToken.asked()]).toEqual([false, false]);
  });

  test("tells why there is no room", async () => {
    const { clock, outcome, settle } = setUp();
    await clock.advance(0);
    settle(FAILURE);
    expect(await outcome).toBe("unauthorized");
  });

  test("that is given up rejects only when it has settled and its room is left", async () => {
    const { clock, caller, outcome, settle, left } = setUp();
    await clock.advance(0);
    caller.abort();
    let isSettled = false;
    void outcome.then(() => (isSettled = true));
    await clock.advance(10_000);
    expect(isSettled).toBe(false);
    settle(SUCCESS);
    expect(await outcome).toBe("aborted");
    expect(left).toEqual([RESULT]);
  });

  test("that is given up is aborted, also if it fails by itself", async () => {
    const { clock, caller, outcome, settle } = setUp();
    await clock.advance(0);
    caller.abort();
    settle(FAILURE);
    expect(await outcome).toBe("aborted");
  });

  test("that never settles ends after 15 s; the room it still reaches is left", async () => {
    const { clock, outcome, settle, left, abandoned } = setUp();
    await clock.advance(15_000);
    expect(await outcome).toBe("timeout");
    settle(SUCCESS);
    await Promise.all(abandoned);
    expect(left).toEqual([RESULT]);
  });

  test("ends at once when the native part is gone", async () => {
    const { clock, attempt, outcome } = setUp();
    await clock.advance(0);
    attempt.abort();
    attempt.drop();
    expect(await outcome).toBe("aborted");
    await clock.advance(1000);
    expect(clock.pending).toBe(0);
  });
});
