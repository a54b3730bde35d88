import { describe, expect, it } from "vitest";
import type { PlaybackContext } from "../../src/machines/playback-context.js";
import type { SessionContext } from "../../src/machines/session-context.js";
import { showContext, showError, showEvent, showPlayback, showText } from "../../src/telemetry/inspector-sanitiser.js";

const TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl";
const abandon = () => {};
const REQUEST = {
  requestId: "tune-1",
  url: "https://user:pass@cdn.example:8443/a tune.mp3?signature=secret#secret",
  volume: 0.5,
  stopOther: false,
  trackId: 3,
};
const SHOWN_REQUEST = {
  requestId: "tune-1",
  url: "https://cdn.example:8443/a%20tune.mp3",
  volume: 0.5,
  stopOther: false,
  trackId: 3,
};

describe("an event, as shown", () => {
  it("holds its type and named plain fields, and nothing else", () => {
    const port = { attachment: 7, isSettled: false, abandon, secret: "s", pcm: Buffer.from("pcm") };
    const event = {
      type: "stream.open",
      port,
      token: TOKEN,
      input: { request: { token: TOKEN } },
      pcm: Buffer.from("p"),
    };
    expect(showEvent(event)).toEqual({ type: "stream.open", port: { attachment: 7 } });
  });

  it("holds how a stream ended and what a child left behind, field by field", () => {
    const end = { status: "OK", details: "", reason: "left", extra: 1 };
    expect(showEvent({ type: "stream.invalid", attachment: 1, end } as { type: string })).toEqual({
      type: "stream.invalid",
      attachment: 1,
      end: { status: "OK", details: "", reason: "left" },
    });
    const output = { userId: "a", generation: 2, reason: "left", token: TOKEN };
    expect(showEvent({ type: "xstate.done.actor.x", output } as { type: string })).toEqual({
      type: "xstate.done.actor.x",
      output: { userId: "a", generation: 2, reason: "left" },
    });
  });

  it("holds what a playback was asked for, what it plays and why it failed, but not its address", () => {
    const port = { request: REQUEST, isSettled: false, abandon };
    expect(showEvent({ type: "playback.request", port, userId: "a" } as { type: string })).toEqual({
      type: "playback.request",
      userId: "a",
      port: {},
      request: { requestId: "tune-1", volume: 0.5, stopOther: false, trackId: 3 },
    });
    const media = { format: "mp3", sample_rate: "44100", bytes: "100", title: "secret" };
    expect(showEvent({ type: "player.opened", media } as { type: string })).toEqual({
      type: "player.opened",
      media: { format: "mp3", sample_rate: "44100", bytes: "100" },
    });
    const failure = { status: "NOT_FOUND", message: "404 from https://cdn.example/a?signature=secret", cause: "x" };
    expect(showEvent({ type: "player.failed", failure } as { type: string })).toEqual({
      type: "player.failed",
      failure: { status: "NOT_FOUND", message: "404 from https://cdn.example/a" },
    });
  });

  it("shows no field of a plain name that is not plain", () => {
    const event = { type: "x", message: { token: TOKEN }, reason: Buffer.from("pcm"), userId: () => TOKEN };
    expect(showEvent(event)).toEqual({ type: "x" });
  });
});

describe("a text, as shown", () => {
  it.each([
    [`refused ${TOKEN}`, "refused [token]"],
    ["wss://host:7880/rtc?access_token=abc&x=1 failed", "wss://host:7880/rtc failed"],
    ["see https://user:pass@host/a#part", "see https://[redacted]@host/a"],
    ["what? nothing", "what? nothing"],
  ])("%s is %s", (text, shown) => {
    expect(showText(text)).toBe(shown);
  });

  it("is cut to a length", () => {
    expect(showText("x".repeat(10_000))).toHaveLength(257);
  });
});

it("an error shows its message without secrets, and nothing of what is no Error", () => {
  expect(showError(new TypeError(`bad ${TOKEN}`))).toBe("TypeError: bad [token]");
  expect(showError({ token: TOKEN })).toBe("not an Error");
});

it("a context shows identity, limits, end, attachment, activity and playbacks, and no more", () => {
  const activity = { lastAtMs: 400, heartbeats: 3 };
  const context = {
    request: { userId: "alice", roomName: "den", token: TOKEN, url: "wss://host/?x=1", targetIdentity: "alice" },
    generation: 4,
    hasPredecessor: false,
    limits: { joinTimeoutMs: 15_000, playbacksMax: 10 },
    end: { reason: "left", message: "bye" },
    stream: { attachment: 9, activity, isSettled: false, abandon },
    room: { participantId: "bot", participantCount: 2, stats: {} },
    playbacks: [{ slot: "play.0", port: { request: REQUEST, isSettled: false, abandon }, scope: { abort: abandon } }],
    label: { userId: "alice" },
    reply: { isSettled: true, abandon },
    scope: { abort: abandon },
    now: () => 1000.4,
  };
  expect(showContext(context as unknown as SessionContext, true)).toEqual({
    userId: "alice",
    roomName: "den",
    generation: 4,
    hasPredecessor: false,
    limits: { joinTimeoutMs: 15_000, playbacksMax: 10 },
    end: { reason: "left", message: "bye" },
    stream: { attachment: 9 },
    activity: { silentMs: 600, heartbeats: 3 },
    room: { participantId: "bot", participantCount: 2 },
    playbacks: [{ slot: "play.0", ...SHOWN_REQUEST }],
  });
  expect(showContext(context as unknown as SessionContext, false)).toMatchObject({ end: null });
});

describe("a playback's context", () => {
  const context = {
    port: { request: REQUEST, isSettled: false, abandon },
    media: {
      format: "wav",
      sample_rate: "48000",
      channels: "2",
      bytes: "9",
      content_type: "audio/wav",
      title: "secret",
    },
    failure: undefined,
    durationMs: 0,
    label: { userId: "alice" },
    room: { stats: {} },
    scope: { abort: abandon },
    observer: {},
  };
  const show = (changes: object) => showPlayback({ ...context, ...changes } as unknown as PlaybackContext);

  it("shows request, media and failure, and no more", () => {
    expect(show({})).toEqual({
      ...SHOWN_REQUEST,
      media: { format: "wav", sample_rate: "48000", channels: "2", bytes: "9", content_type: "audio/wav" },
      failure: null,
      durationMs: 0,
    });
  });

  it("shows why it failed without an address's query", () => {
    const failure = {
      status: "UNAVAILABLE",
      message: "no answer from http://h/a?token=secret",
      cause: { url: "secret" },
    };
    expect(show({ failure })).toMatchObject({
      failure: { status: "UNAVAILABLE", message: "no answer from http://h/a" },
    });
  });

  it("shows no address that is none", () => {
    const request = { ...REQUEST, url: "secret" };
    expect(show({ port: { request } })).toMatchObject({ url: "" });
  });
});
