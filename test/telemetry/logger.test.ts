import { Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { redact } from "../../src/redact.js";
import { createLogger } from "../../src/telemetry/logger.js";

const TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl";

function createSink() {
  const lines: Record<string, unknown>[] = [];
  const stream = new Writable({
    write(line: Buffer, _encoding, done) {
      lines.push(JSON.parse(line.toString()) as Record<string, unknown>);
      done();
    },
  });
  return { lines, logger: createLogger({ level: "trace", env: "test" }, stream) };
}

describe("log lines", () => {
  test("are JSON with the fields that queries use", () => {
    const { lines, logger } = createSink();
    logger.info({ userId: "alice", roomName: "alice" }, "Successfully joined room");
    expect(lines[0]).toMatchObject({
      level: "info",
      message: "Successfully joined room",
      env: "test",
      feature: "livekit-grpc",
      userId: "alice",
    });
    expect(lines[0]?.["time"]).toBeTypeOf("number");
  });

  test("never hold a token: not in a message, a field, an error, or an address", () => {
    const { lines, logger } = createSink();
    logger.info({ token: TOKEN, request: { token: TOKEN } }, `joined with ${TOKEN}`);
    logger.error({ error: new Error(`401 at ws://host/rtc?access_token=${TOKEN}&x=1`) }, "failed");
    logger.error({ error: `plain ${TOKEN}` }, "failed");
    logger.warn({ detail: "x", apiSecret: "hidden" }, `wss://user:secret@host`);
    const text = JSON.stringify(lines);
    expect(text).not.toContain("c2lnbmF0dXJl");
    expect(text).not.toContain("hidden");
    expect(text).not.toContain("user:secret");
  });
});

test("redaction leaves the rest of a text alone", () => {
  expect(redact(`GET /rtc?access_token=${TOKEN}&sdk=js failed`)).toBe("GET /rtc?access_token=[redacted]&sdk=js failed");
  expect(redact("nothing secret here")).toBe("nothing secret here");
});
