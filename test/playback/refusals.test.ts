import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { tone } from "../support/tone.js";
import { wavHeader, wavOf } from "../support/wav.js";
import { CODE, expectOneEnd, useScene } from "./scene.js";
import type { Scene } from "./scene.js";

const FINE = "http://127.0.0.1:9/a.wav";
const INVALID = CODE.INVALID_ARGUMENT;

describe("Refused outright, without STARTED", () => {
  let scene: Scene;
  useScene((fresh) => (scene = fresh));

  test.each([
    { what: "an empty URL", url: "", code: INVALID, text: "audio URL is empty" },
    { what: "a word", url: "nothing", code: INVALID, text: "invalid audio URL: it is not a URL" },
    {
      what: "a file",
      url: "file:///etc/passwd",
      code: INVALID,
      text: "invalid audio URL: only http and https can be played",
    },
    {
      what: "data",
      url: "data:audio/wav;base64,UklGRg==",
      code: INVALID,
      text: "invalid audio URL: only http and https can be played",
    },
    {
      what: "a user name",
      url: "http://user@127.0.0.1/",
      code: INVALID,
      text: "invalid audio URL: it must not carry a user name or password",
    },
    {
      what: "a negative volume",
      url: FINE,
      changes: { volume: -0.1 },
      code: INVALID,
      text: "volume: must be a finite number, 0 or more",
    },
    {
      what: "a volume that is no number",
      url: FINE,
      changes: { volume: Number.NaN },
      code: INVALID,
      text: "volume: must be a finite number, 0 or more",
    },
    {
      what: "an endless volume",
      url: FINE,
      changes: { volume: Number.POSITIVE_INFINITY },
      code: INVALID,
      text: "volume: must be a finite number, 0 or more",
    },
    {
      what: "a negative track",
      url: FINE,
      changes: { track_id: -1 },
      code: INVALID,
      text: "track_id: must not be negative",
    },
    {
      what: "a private address",
      url: "http://10.0.0.1/a.wav",
      code: CODE.PERMISSION_DENIED,
      text: "audio URL refused: its host is not on the public internet",
    },
    {
      what: "an unknown user",
      url: FINE,
      user: "nobody",
      code: CODE.NOT_FOUND,
      text: "session not found for user nobody",
    },
    { what: "no user", url: FINE, user: "", code: CODE.NOT_FOUND, text: "session not found for user " },
  ])("$what", async ({ url, changes = {}, user = "alice", code, text }) => {
    const play = scene.play(url, { request_id: "refused", ...changes }, user);
    expect(await play.ended).toMatchObject({ code, details: text });
    expect(play.events).toMatchObject([{ type: "FAILED", request_id: "refused", error: text }]);
    expect(play.events.length).toBe(1);
    expect(scene.playbacks()).toBe(0);
  });

  test("a request id longer than 128 characters", async () => {
    const play = scene.play(FINE, { request_id: "x".repeat(129) });
    expect(await play.ended).toMatchObject({ code: INVALID, details: "request_id: longer than 128" });
    expect(play.types()).toBe("FAILED");
  });

  test("a room that is not connected yet, and one that reconnects", async () => {
    const hold = scene.harness.rooms.faults.holdConnects({ room: "bob" }, { isAbortable: true });
    const joining = scene.harness.client.join(await scene.harness.params("bob"));
    await eventually("bob's join", () => hold.caught === 1);
    const early = scene.play(FINE, { request_id: "early" }, "bob");
    const text = "LiveKit room not connected";
    expect(await early.ended).toMatchObject({ code: CODE.FAILED_PRECONDITION, details: text });
    expect(early.events).toMatchObject([{ type: "FAILED", request_id: "early", error: text }]);
    hold.lift();
    await joining;
    scene.harness.rooms.dropTransport("alice", "cloud-agent:alice", { durationMs: 300 });
    await eventually("reconnecting", () => scene.mediaState() === "reconnecting");
    const meanwhile = scene.play(FINE);
    expect(await meanwhile.ended).toMatchObject({ code: CODE.FAILED_PRECONDITION, details: text });
    expect(meanwhile.types()).toBe("FAILED");
    await eventually("reconnected", () => scene.mediaState() === "streaming");
    expect((await scene.play(scene.tone(440, 50)).ended).code).toBe(CODE.OK);
  });
});

describe("Failed after STARTED", () => {
  let scene: Scene;
  const env = {
    BRIDGE_AUDIO_CONNECT_TIMEOUT_MS: "300",
    BRIDGE_AUDIO_FIRST_BYTE_TIMEOUT_MS: "200",
    BRIDGE_AUDIO_STALL_TIMEOUT_MS: "250",
    BRIDGE_AUDIO_SIZE_MAX_BYTES: "200000",
    BRIDGE_AUDIO_DURATION_MAX_MS: "1500",
    BRIDGE_AUDIO_REDIRECTS_MAX: "2",
  };
  useScene((fresh) => (scene = fresh), { env });

  async function expectFailure(url: string, code: number, text: string | RegExp): Promise<void> {
    const play = scene.play(url, { request_id: "failing" });
    const { code: got, details } = await play.ended;
    expect({ code: got, details }).toEqual({ code, details: expect.stringMatching(text) });
    expectOneEnd(play, "failing");
    expect(play.events.at(-1)?.error).toBe(details);
    // Nothing of the URL but what its owner did is told.
    expect(details).not.toContain("127.0.0.1");
  }

  const wav = () => wavOf(tone({ frequencyHz: 440, durationMs: 1000, sampleRateHz: 16_000 }), 16_000);

  test.each([
    { status: 404, text: /answered 404 Not Found/ },
    { status: 500, text: /answered 500 Internal Server Error/ },
    { status: 204, text: /answered 204 No Content/ },
    { status: 206, text: /answered 206 Partial Content/ },
    { status: 416, text: /answered 416/ },
  ])("the server answers $status", async ({ status, text }) => {
    const url = scene.web.add(`/status-${status}`, (_request, response) => response.writeHead(status).end());
    const play = scene.play(url, { request_id: "status" });
    const ended = await play.ended;
    expect(ended.code).not.toBe(CODE.OK);
    expect(ended.details).toMatch(text);
    expectOneEnd(play, "status");
  });

  test("a web page", async () => {
    const url = scene.web.add("/page.mp3", (_request, response) => {
      response
        .writeHead(200, { "content-type": "audio/mpeg" })
        .end("<!DOCTYPE html><html><body>Not here</body></html>");
    });
    await expectFailure(url, CODE.NOT_FOUND, /web page \(HTML\)/);
  });

  test("an empty body", async () => {
    const url = scene.web.add("/empty", (_request, response) => response.writeHead(200).end());
    await expectFailure(url, CODE.NOT_FOUND, /empty body/);
  });

  test("a file that is no audio, whatever its name and type", async () => {
    const url = scene.web.add("/a.wav", (_request, response) => {
      response.writeHead(200, { "content-type": "audio/wav" }).end(Buffer.alloc(5000, "no audio here. "));
    });
    await expectFailure(url, CODE.UNIMPLEMENTED, /unsupported audio format: looks like text/);
  });

  test("an audio format that is not played", async () => {
    const mp4 = Buffer.concat([
      Buffer.from([0, 0, 0, 24]),
      Buffer.from("ftypM4A \0\0\0\0M4A mp42isom"),
      Buffer.alloc(500),
    ]);
    await expectFailure(scene.web.add("/a.m4a", mp4), CODE.UNIMPLEMENTED, /unsupported audio format/);
  });

  test("a WAV without a format", async () => {
    const broken = Buffer.from(wav());
    broken.write("junk", 12);
    await expectFailure(scene.web.add("/broken.wav", broken), CODE.DATA_LOSS, /fmt/);
  });

  test("a body that breaks off", async () => {
    const file = wav();
    const url = scene.web.add("/cut.wav", (_request, response) => {
      response.writeHead(200, { "content-length": file.length });
      response.write(file.subarray(0, 16_000), () => setTimeout(() => response.destroy(), 100));
    });
    await expectFailure(url, CODE.UNAVAILABLE, /broke off after 16000 of 32044 bytes/);
  });

  test("nobody listens at the address", async () => {
    await expectFailure("http://127.0.0.1:9/a.wav", CODE.UNAVAILABLE, /connection was refused/);
  });

  test("a file that says it is too large, and one that turns out to be", async () => {
    const honest = scene.web.add("/large", (_request, response) => {
      response.writeHead(200, { "content-length": 4 * 2 ** 30 });
      response.write("RIFF");
    });
    await expectFailure(honest, CODE.RESOURCE_EXHAUSTED, /larger than the limit of 200000 bytes/);
    const endless = scene.web.add("/endless", (_request, response) => {
      response.writeHead(200);
      response.write(wavHeader({ sampleRateHz: 192_000, channels: 2, dataBytes: 0 }));
      const timer = setInterval(() => response.write(Buffer.alloc(32_768)), 10);
      response.once("close", () => clearInterval(timer));
    });
    await expectFailure(endless, CODE.RESOURCE_EXHAUSTED, /larger than the limit of 200000 bytes/);
  });

  test("a file that says it is too long, and one that turns out to be", async () => {
    const long = wavOf(tone({ frequencyHz: 440, durationMs: 2000, sampleRateHz: 16_000 }), 16_000);
    await expectFailure(scene.web.add("/long.wav", long), CODE.RESOURCE_EXHAUSTED, /longer than 1.5 s/);
    const silent = Buffer.from(long);
    silent.writeUInt32LE(0, 40);
    await expectFailure(scene.web.add("/lying.wav", silent), CODE.RESOURCE_EXHAUSTED, /longer than 1.5 s/);
  });

  test("no headers in time, no body in time, a stall half-way", async () => {
    await expectFailure(scene.silentServer(), CODE.DEADLINE_EXCEEDED, /sent no data within 0\.2 s/);
    const headers = scene.web.add("/headers", (_request, response) => response.writeHead(200).flushHeaders());
    await expectFailure(headers, CODE.DEADLINE_EXCEEDED, /sent no data within 0\.2 s/);
    const file = wav();
    const stalling = scene.web.add("/stalling", (_request, response) => {
      response.writeHead(200, { "content-length": file.length });
      response.write(file.subarray(0, 16_000));
    });
    await expectFailure(stalling, CODE.DEADLINE_EXCEEDED, /sent nothing for 0\.25 s|slower than/);
  });

  test("one byte at a time", async () => {
    const url = scene.web.add("/drip", (_request, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write("R"), 50);
      response.once("close", () => clearInterval(timer));
    });
    await expectFailure(url, CODE.DEADLINE_EXCEEDED, /slower than 1000 bytes per second/);
  });

  test("redirects without end", async () => {
    const url = scene.web.add("/loop", (_request, response) => response.writeHead(302, { location: "/loop" }).end());
    await expectFailure(url, CODE.FAILED_PRECONDITION, /redirects more than 2 times/);
  });

  test("a track that the room refuses: a clear text, and the microphone is unharmed", async () => {
    const { rooms, client } = scene.harness;
    const stream = client.stream("alice");
    await stream.metadata;
    const refusal = rooms.faults.refusePublishes({ room: "alice" }, "not_allowed");
    await expectFailure(scene.tone(440, 300), CODE.PERMISSION_DENIED, /room does not take the audio/);
    refusal.lift();
    const phone = await rooms.join({ identity: "second", room: "alice" });
    await rooms.sendServerData("alice", Buffer.alloc(2));
    expect(stream.isEnded()).toBe(false);
    expect(phone.isPresent).toBe(true);
    const retried = scene.play(scene.tone(440, 100));
    expect((await retried.ended).code).toBe(CODE.OK);
  });

  test("a track more than the session may have", async () => {
    const plays = [];
    for (let track_id = 0; track_id < 16; track_id += 1) {
      plays.push((await scene.play(scene.tone(440, 20), { track_id }).ended).code);
    }
    expect(new Set(plays)).toEqual(new Set([CODE.OK]));
    const url = scene.tone(440, 20);
    const play = scene.play(url, { request_id: "failing", track_id: 99 });
    expect(await play.ended).toMatchObject({
      code: CODE.RESOURCE_EXHAUSTED,
      details: "too many tracks in this session",
    });
    expectOneEnd(play, "failing");
  });
});
