import { describe, expect, test } from "vitest";
import { AudioManager, type AudioManagerOptions, type AudioSubscriber } from "../../src/client/cloud/audio-manager.js";
import { type ClientLogger, silentLogger } from "../../src/client/log.js";
import { createSimulatedClock } from "../support/simulated-clock.js";

interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: object;
}

function recordingLogger(lines: Line[], bound: object = {}): ClientLogger {
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, message, fields: { ...bound, ...fields } });
  const methods = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  return { ...silentLogger, ...methods, child: (fields) => recordingLogger(lines, { ...bound, ...fields }) };
}

function setUp(options: Partial<AudioManagerOptions> = {}) {
  const clock = createSimulatedClock({ wallStartMs: 1_700_000_000_000 });
  const lines: Line[] = [];
  const transcribed: Buffer[] = [];
  const transcribe = (pcm: Buffer) => void transcribed.push(pcm);
  const logger = recordingLogger(lines);
  const manager = new AudioManager({ userId: "alice", clock, logger, transcribe, env: {}, ...options });
  const linesOf = (message: string) => lines.filter((line) => line.message === message);
  return { manager, clock, transcribed, linesOf };
}

function app(name = "app") {
  const received: Buffer[] = [];
  const subscriber = {
    name,
    received,
    waitingBytes: 0,
    send: (pcm: Buffer) => void received.push(pcm),
    bufferedAmount: () => subscriber.waitingBytes,
  };
  return subscriber;
}

const throwing: AudioSubscriber = {
  name: "broken",
  send() {
    throw new Error("from an app");
  },
};

const frame = () => Buffer.alloc(640, 1);

describe("the audio manager", () => {
  test("gives apps each packet at once and as it came, and the recogniser 3,200 bytes each 100 ms", async () => {
    const { manager, clock, transcribed } = setUp();
    const subscriber = app();
    manager.subscribe(subscriber);
    const burst = Array.from({ length: 10 }, (_, index) => Buffer.alloc(640, index));
    for (const packet of burst) manager.processAudioData(packet);
    expect(subscriber.received).toEqual(burst);
    expect(transcribed).toEqual([]);
    await clock.advance(100);
    expect(transcribed).toEqual([Buffer.concat(burst.slice(0, 5))]);
    await clock.advance(100);
    expect(transcribed).toEqual([Buffer.concat(burst.slice(0, 5)), Buffer.concat(burst.slice(5))]);
  });

  test("logs every hundredth packet at debug, with its size, the totals and the time since the one before", async () => {
    const { manager, clock, linesOf } = setUp();
    for (let sent = 1; sent <= 250; sent++) {
      await clock.advance(20);
      manager.processAudioData(frame());
    }
    const bound = { feature: "livekit-grpc", userId: "alice" };
    expect(linesOf("AudioManager received PCM chunk")).toEqual([
      {
        level: "debug",
        message: expect.any(String),
        fields: { ...bound, size: 640, frames: 100, bytes: 64_000, msSinceLast: 20 },
      },
      {
        level: "debug",
        message: expect.any(String),
        fields: { ...bound, size: 640, frames: 200, bytes: 128_000, msSinceLast: 20 },
      },
    ]);
  });

  test("knows when audio last came; an empty packet is none", async () => {
    const { manager, clock } = setUp();
    manager.processAudioData(Buffer.alloc(0));
    expect([manager.lastAudioAtMs, manager.audioAgeMs]).toEqual([undefined, undefined]);
    await clock.advance(500);
    manager.processAudioData(frame());
    await clock.advance(3000);
    manager.processAudioData(Buffer.alloc(0));
    expect([manager.lastAudioAtMs, manager.audioAgeMs]).toEqual([1_700_000_000_500, 3000]);
    expect(manager.stats().frames).toBe(1);
  });

  test("puts the bytes in order for apps and recogniser alike, as LIVEKIT_PCM_ENDIAN says", () => {
    const { manager, transcribed } = setUp({ env: { LIVEKIT_PCM_ENDIAN: "swap" } });
    const subscriber = app();
    manager.subscribe(subscriber);
    const packet = Buffer.of(1, 2, 3, 4);
    manager.processAudioData(packet);
    manager.flush();
    expect([subscriber.received, transcribed]).toEqual([[Buffer.of(2, 1, 4, 3)], [Buffer.of(2, 1, 4, 3)]]);
    expect(packet).toEqual(Buffer.of(1, 2, 3, 4));
  });

  test("refuses a LIVEKIT_PCM_ENDIAN that it does not know when it is made, not when audio comes", () => {
    expect(() => setUp({ env: { LIVEKIT_PCM_ENDIAN: "middle" } })).toThrow(
      /LIVEKIT_PCM_ENDIAN must be off, swap or auto/,
    );
  });

  test("drops and counts the odd byte of a packet: what follows keeps its place", () => {
    const { manager, transcribed } = setUp();
    const subscriber = app();
    manager.subscribe(subscriber);
    for (const packet of [Buffer.of(1, 2, 0xee), Buffer.of(0xee), Buffer.of(3, 4)]) manager.processAudioData(packet);
    manager.flush();
    expect(subscriber.received).toEqual([Buffer.of(1, 2), Buffer.of(3, 4)]);
    expect(transcribed).toEqual([Buffer.of(1, 2, 3, 4)]);
    expect(manager.stats()).toMatchObject({ frames: 3, bytes: 6, oddBytesDropped: 2 });
  });

  test.each([
    ["an Int16Array", Int16Array.of(513, 1027)],
    ["a Uint8Array that begins in the midst of its memory", Uint8Array.of(9, 1, 2, 3, 4).subarray(1)],
    ["an ArrayBuffer", Uint8Array.of(1, 2, 3, 4).buffer],
  ])("takes %s for the bytes it holds", (_, pcm) => {
    const { manager, transcribed } = setUp();
    manager.processAudioData(pcm);
    manager.flush();
    expect(transcribed).toEqual([Buffer.of(1, 2, 3, 4)]);
  });

  test.each([
    ["floats", Float32Array.of(0.5), "Float32Array"],
    ["text", "AAAA", "String"],
    ["nothing", undefined, "Undefined"],
  ])("refuses %s with words that say so", (_, pcm, what) => {
    const { manager } = setUp();
    const call = () => manager.processAudioData(pcm as unknown as Buffer);
    expect(call).toThrow(
      expect.objectContaining({ code: "invalid_argument", message: expect.stringContaining(`not ${what}`) }),
    );
  });
});

describe("an app that takes audio", () => {
  test("is given none while more than 512 KiB wait in its socket; each packet is counted, the first and each fiftieth logged", () => {
    const { manager, linesOf } = setUp();
    const [slow, quick] = [app("slow"), app("quick")];
    manager.subscribe(slow);
    manager.subscribe(quick);
    slow.waitingBytes = 512 * 1024;
    manager.processAudioData(frame());
    slow.waitingBytes += 1;
    for (let sent = 0; sent < 120; sent++) manager.processAudioData(frame());
    slow.waitingBytes = 0;
    manager.processAudioData(frame());
    expect([slow.received.length, quick.received.length]).toEqual([2, 122]);
    expect(manager.stats()).toMatchObject({ framesRelayed: 124, framesDroppedForApps: 120 });
    const logged = linesOf("Dropping audio for a slow app").map(({ fields }) => fields);
    expect(logged).toEqual(
      [1, 50, 100].map((framesDropped) =>
        expect.objectContaining({ app: "slow", framesDropped, bufferedBytes: 524_289 }),
      ),
    );
  });

  test("that throws or rejects disturbs neither the others nor the recogniser, and does not flood the log", async () => {
    const { manager, clock, transcribed, linesOf } = setUp();
    const other = app();
    manager.subscribe(throwing);
    manager.subscribe({ name: "late", send: () => Promise.reject(new Error("later")) });
    manager.subscribe({
      name: "blind",
      send: () => {},
      bufferedAmount() {
        throw new Error("no socket");
      },
    });
    manager.subscribe(other);
    for (let sent = 0; sent < 10; sent++) manager.processAudioData(frame());
    await clock.advance(200);
    expect(other.received).toHaveLength(10);
    expect(Buffer.concat(transcribed)).toHaveLength(6400);
    const names = linesOf("An app failed to take audio").map(({ fields }) => (fields as { app: string }).app);
    expect(names.toSorted()).toEqual(["blind", "broken", "late"]);
  });

  test("that throws in the recogniser's stead disturbs no app", async () => {
    const { manager, clock, linesOf } = setUp({ transcribe: throwing.send });
    const other = app();
    manager.subscribe(other);
    for (let sent = 0; sent < 10; sent++) manager.processAudioData(frame());
    await clock.advance(200);
    expect(other.received).toHaveLength(10);
    expect(linesOf("The consumer of paced audio failed")).toHaveLength(1);
  });

  test("cannot spoil the recogniser's audio by writing into its own", () => {
    const { manager, transcribed } = setUp();
    manager.subscribe({ name: "scribbler", send: (pcm) => pcm.fill(0xff) });
    manager.processAudioData(frame());
    manager.flush();
    expect(transcribed).toEqual([frame()]);
  });

  test("is served once however often it subscribes, and not at all after it has left, be it in the midst of a packet", () => {
    const { manager } = setUp();
    const subscriber = app();
    const leave = manager.subscribe(subscriber);
    manager.subscribe(subscriber);
    manager.processAudioData(frame());
    expect([subscriber.received.length, manager.stats().subscribers]).toEqual([1, 1]);
    leave();
    leave();
    const second = app();
    const leaver = { name: "leaver", send: () => leaveSecond() };
    manager.subscribe(leaver);
    const leaveSecond = manager.subscribe(second);
    manager.processAudioData(frame());
    expect([subscriber.received.length, second.received.length, manager.stats().subscribers]).toEqual([1, 0, 1]);
  });
});

describe("the end of an audio manager", () => {
  test("stops everything, however often it is called: no timer, no subscriber, no packet passed on", async () => {
    const { manager, clock, transcribed } = setUp();
    const [before, after] = [app(), app()];
    manager.subscribe(before);
    manager.processAudioData(frame());
    manager.dispose();
    manager.dispose();
    manager.subscribe(after);
    manager.processAudioData(frame());
    manager.flush();
    await clock.advance(5000);
    expect([before.received.length, after.received.length, transcribed.length, clock.pending]).toEqual([1, 0, 0, 0]);
    const { bytesIn, bytesDropped, bytesQueued } = manager.stats().pacing;
    expect([bytesIn, bytesDropped, bytesQueued]).toEqual([640, 640, 0]);
  });

  test("keeps the last words if they are flushed before", () => {
    const { manager, transcribed } = setUp();
    manager.processAudioData(frame());
    manager.flush();
    manager.dispose();
    expect(transcribed).toEqual([frame()]);
  });
});
