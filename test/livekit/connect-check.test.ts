import { describe, expect, test } from "vitest";
import { checkToken, parseServerUrl } from "../../src/livekit/connect-check.js";

describe("before a server is asked", () => {
  test("a URL has a scheme that LiveKit speaks, and a host; its server is scheme, host and port", () => {
    expect(parseServerUrl("wss://example.com:7880/a?b=c")).toBe("wss://example.com:7880");
    for (const url of ["", "example.com", "ftp://example.com", "ws://", "javascript:1", `ws://${"a".repeat(3000)}`])
      expect(() => parseServerUrl(url), url).toThrow(expect.objectContaining({ code: "invalid_url" }));
  });

  test("a token has the shape of a JWT and a bounded length", () => {
    checkToken("aaa.bbb.c-c_c");
    for (const token of ["", "a.b", "a.b.c.d", "a b.c.d", "ä.b.c", `${"a".repeat(20_000)}.b.c`])
      expect(() => checkToken(token), token).toThrow(expect.objectContaining({ code: "unauthorized" }));
  });
});
