import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { configurationPage } from "../scripts/configuration-docs.js";
import { printableConfig, readConfig } from "../src/config.js";
import { ERROR_CODES, toBridgeError } from "../src/errors.js";
import { grpcServerConfig, supervisorLimits } from "../src/limits.js";
import { refuseLivekitUrl } from "../src/livekit/url-policy.js";

describe("configuration", () => {
  test("the defaults are the contract's", () => {
    const config = readConfig({});
    const { session } = supervisorLimits(config);
    expect(config.PORT).toBe(9090);
    expect(config.BRIDGE_MESSAGE_MAX_BYTES).toBe(10_485_760);
    expect(config.BRIDGE_DOWNLINK_QUEUE_PACKETS_MAX).toBe(200);
    expect(config.BRIDGE_DOWNLINK_QUEUE_BYTES_MAX).toBe(262_144);
    expect(config.BRIDGE_SEND_TIMEOUT_MS).toBe(2000);
    expect(config.BRIDGE_RESET_AFTER_MS).toBeLessThanOrEqual(500);
    expect(session).toMatchObject({
      joinTimeoutMs: 15_000,
      predecessorTimeoutMs: 2000,
      zombieTimeoutMs: 30_000,
      inactivityTimeoutMs: 30_000,
      reconnectTimeoutMs: 20_000,
    });
    expect(session.leaveReplyTimeoutMs).toBeLessThan(2000);
    const { keepaliveTimeMs, keepaliveTimeoutMs, concurrentStreamsMax, listen } = grpcServerConfig(config);
    expect(keepaliveTimeMs + keepaliveTimeoutMs).toBeLessThanOrEqual(15_000);
    expect(concurrentStreamsMax).toBeGreaterThanOrEqual(10_000);
    expect(listen.socketMode).toBe(0o660);
  });

  test("an empty value counts as unset", () => {
    expect(readConfig({ PORT: "", LIVEKIT_URL: "" })).toMatchObject({ PORT: 9090 });
  });

  test.each([
    ["PORT", "abc"],
    ["PORT", "70000"],
    ["LOG_LEVEL", "loud"],
    ["LIVEKIT_URL", "ftp://host"],
    ["LIVEKIT_GRPC_SOCKET_MODE", "rw"],
    ["BRIDGE_SESSIONS_MAX", "0"],
    ["BRIDGE_JOIN_TIMEOUT_MS", "-1"],
    ["LIVEKIT_ENGINE", "other"],
  ])("%s=%s is refused in one line that names it", (name, value) => {
    expect(() => readConfig({ [name]: value })).toThrow(expect.objectContaining({ code: "config_invalid" }));
    try {
      readConfig({ [name]: value });
    } catch (error) {
      const { message } = error as Error;
      expect(message).toContain(name);
      expect(message).toContain(value);
      expect(message).not.toContain("\n");
    }
  });

  test("is printed without secrets", () => {
    const printed = JSON.stringify(
      printableConfig(readConfig({ LIVEKIT_API_KEY: "k3y", LIVEKIT_API_SECRET: "s3cret" })),
    );
    expect(printed).not.toContain("s3cret");
    expect(printed).not.toContain("k3y");
    expect(printed).toContain("[set]");
  });

  test("its page is fresh", () => {
    const page = readFileSync(new URL("../docs/configuration.md", import.meta.url), "utf8");
    expect(page).toBe(configurationPage());
  });
});

describe("errors", () => {
  test("every code is explained in docs/errors.md, and nothing else is", () => {
    const page = readFileSync(new URL("../docs/errors.md", import.meta.url), "utf8");
    const explained = [...page.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, code]) => code);
    expect(explained).toEqual([...ERROR_CODES]);
  });

  test("anything thrown becomes one with its cause", () => {
    const cause = new TypeError("odd");
    expect(toBridgeError(cause)).toMatchObject({ code: "internal", message: "odd", cause });
    expect(toBridgeError("text")).toMatchObject({ code: "internal", message: "text" });
  });
});

describe("the address that a join may name", () => {
  test.each([
    ["", /LIVEKIT_URL is not set/],
    ["nonsense", /not a URL/],
    ["file:///etc/passwd", /ws, wss, http or https/],
    ["ws://user:secret@host", /user name or password/],
    ["ws://other.example", /not allowed/],
    ["ws://livekit.example:7881", /not allowed/],
  ])("%j is refused", (url, reason) => {
    expect(refuseLivekitUrl(url, ["livekit.example", "livekit.example:7880"])).toMatch(reason);
  });

  test.each(["ws://livekit.example", "wss://LIVEKIT.example/path", "http://livekit.example:7880"])(
    "%s is allowed",
    (url) => {
      expect(refuseLivekitUrl(url, ["livekit.example", "livekit.example:7880"])).toBeUndefined();
    },
  );

  test("without a list every host is allowed", () => {
    expect(refuseLivekitUrl("ws://anything", [])).toBeUndefined();
  });
});
