import { describe, expect, test } from "vitest";
import { toConnectError } from "../../../src/livekit/rtc-node/connect-errors.js";

describe("what the native library says of a failed connect", () => {
  test.each([
    ["engine: signal failure: client error: 401 Unauthorized - invalid token", "unauthorized"],
    ["engine: signal failure: client error: 403 Forbidden - ", "unauthorized"],
    ["engine: signal failure: access token has invalid characters", "unauthorized"],
    ["engine: signal failure: failed to parse the url: relative URL without a base", "invalid_url"],
    ["engine: signal failure: signal connection timed out", "timeout"],
    ["engine: connection error: wait_pc_connection timed out", "timeout"],
    ["engine: signal failure: server error: 503 Service Unavailable - ", "unreachable"],
    ["engine: signal failure: transport connection error: Connection refused (os error 111)", "unreachable"],
    ["engine: signal failure: client error: 404 Not Found - ", "unreachable"],
    ["engine: internal webrtc failure", "internal"],
    ["", "internal"],
  ])("%j is %s", (text, code) => {
    expect(toConnectError(text, "a.b.c").code).toBe(code);
  });

  test("is repeated without the token, however it is written, and at a bounded length", () => {
    const error = toConnectError(
      `GET http://h/rtc?access_token=a.b.c&x=1 with a.b.c failed ${"y".repeat(1000)}`,
      "a.b.c",
    );
    expect(error.message).not.toContain("a.b.c");
    expect(error.message.length).toBeLessThanOrEqual(300);
  });
});
