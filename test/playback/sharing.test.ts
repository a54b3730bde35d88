import { describe, expect, test } from "vitest";
import { shareDownloads } from "../../src/audio/fetch-sharing.js";
import { createUrlOpener } from "../../src/audio/fetch/open-url.js";
import type { OpenedUrl, UrlOpener } from "../../src/audio/fetch/open-url.js";
import { systemClock } from "../../src/time.js";
import { inTwoParts } from "../support/audio-server.js";
import { eventually } from "../support/eventually.js";
import { tone } from "../support/tone.js";
import { wavOf } from "../support/wav.js";
import { CODE, expectOneEnd, sleep, useScene } from "./scene.js";
import type { Scene } from "./scene.js";

const KIB = 1024;
const FRAME_MS = 10;

describe("One URL asked for by many at the same time", () => {
  let scene: Scene;
  useScene((fresh) => (scene = fresh));

  test("is fetched once for 50 plays of ten users, and all 50 are COMPLETED", async () => {
    const users = Array.from({ length: 10 }, (_, i) => (i === 0 ? "alice" : `user-${i}`));
    await Promise.all(users.slice(1).map((user) => scene.join(user)));
    const url = scene.web.add("/popular.wav", wavOf(tone({ frequencyHz: 440, durationMs: 1500 }), 48_000));
    const plays = users.flatMap((user) => [0, 1, 2, 3, 4].map((track_id) => scene.play(url, { track_id }, user)));
    for (const play of plays) {
      expect((await play.ended).code).toBe(CODE.OK);
      expect(play.events.at(-1)).toMatchObject({ type: "COMPLETED", duration_ms: "1500" });
    }
    expect(scene.web.requests.get("/popular.wav")).toBe(1);
    // Fifty at once may pause where the machine is busy; what is heard is whole all the same.
    expect(scene.audibleSince(0) * FRAME_MS).toBeGreaterThanOrEqual(1490);
  });

  test("plays on for the others when one is cancelled early, be it the first", async () => {
    const file = wavOf(tone({ frequencyHz: 440, durationMs: 1000 }), 48_000);
    const { serve, finish } = inTwoParts(file, 30_000);
    const url = scene.web.add("/half.wav", serve);
    const first = await scene.playing(url, { track_id: 0 });
    const second = scene.play(url, { track_id: 1, request_id: "second" });
    await sleep(50);
    first.call.cancel();
    await first.ended;
    await sleep(50);
    finish();
    expect((await second.ended).code).toBe(CODE.OK);
    expectOneEnd(second, "second");
    expect(scene.web.requests.get("/half.wav")).toBe(1);
    expect(scene.soundOn("app_audio").length / 48).toBeCloseTo(1000, -1);
  });

  test("closes its connection when the last one is stopped", async () => {
    const url = scene.silentServer();
    const plays = [0, 1, 2].map((track_id) => scene.play(url, { track_id, request_id: `p${track_id}` }));
    await eventually("one request", () => scene.web.open === 1);
    await scene.stop({ request_id: "p0" });
    await scene.stop({ request_id: "p1" });
    await sleep(50);
    expect(scene.web.open).toBe(1);
    await scene.stop({ request_id: "p2" });
    await eventually("the connection closed", () => scene.web.open === 0, 1000);
    await Promise.all(plays.map(({ ended }) => ended));
  });

  test("fails for all of them when it fails, and the next play asks anew", async () => {
    let isBroken = true;
    const file = wavOf(tone({ frequencyHz: 440, durationMs: 100 }), 48_000);
    const url = scene.web.add("/flaky.wav", (_request, response) => {
      if (isBroken) response.writeHead(503).end();
      else response.end(file);
    });
    const plays = [0, 1, 2].map((track_id) => scene.play(url, { track_id }));
    for (const play of plays) expect((await play.ended).details).toMatch(/503/);
    expect(scene.web.requests.get("/flaky.wav")).toBe(1);
    isBroken = false;
    expect((await scene.play(url).ended).code).toBe(CODE.OK);
  });
});

describe("Shared downloads", () => {
  const body = Buffer.from(Array.from({ length: 300 * KIB }, (_, i) => (i * 7 + (i >> 8)) & 0xff));

  /** An opener whose bodies come in pieces of 10 KiB, from memory; it counts its downloads and those still open. */
  function createFakeOpener(failAfterBytes = Number.POSITIVE_INFINITY) {
    const seen = { opened: 0, living: 0 };
    const opener: UrlOpener = {
      open(_url, signal) {
        seen.opened += 1;
        seen.living += 1;
        let isOver = false;
        const over = () => {
          if (!isOver) seen.living -= 1;
          isOver = true;
        };
        signal.addEventListener("abort", over, { once: true });
        async function* read(): AsyncGenerator<Uint8Array, void, undefined> {
          for (let at = 0; at < body.length; at += 10 * KIB) {
            await sleep(0);
            if (isOver) throw new Error("aborted");
            if (at >= failAfterBytes) throw new Error("broken off");
            yield body.subarray(at, at + 10 * KIB);
          }
          over();
        }
        const opened = { contentType: "audio/x", sizeBytes: body.length, bytesRead: 0, body: read(), close: over };
        return Promise.resolve(opened);
      },
      check: () => undefined,
      close: () => Promise.resolve(),
    };
    return { opener, seen };
  }

  const never = () => new AbortController().signal;

  async function readAll(opened: OpenedUrl, pauseMs = 0): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    for await (const piece of opened.body) {
      pieces.push(piece);
      if (pauseMs > 0) await sleep(pauseMs);
    }
    return Buffer.concat(pieces);
  }

  const limits = { windowMaxBytes: 60 * KIB, joinWithinMs: 1000 };

  test("give every reader every byte, once and in order, whatever its pace", async () => {
    const { opener, seen } = createFakeOpener();
    const shared = shareDownloads(opener, systemClock, { ...limits, windowMaxBytes: 4096 * KIB });
    const readers = await Promise.all([0, 1, 3].map(() => shared.open("http://a/", never())));
    const bodies = await Promise.all(readers.map((reader, i) => readAll(reader, i)));
    for (const got of bodies) expect(got.equals(body)).toBe(true);
    expect(readers.map(({ bytesRead }) => bytesRead)).toEqual([body.length, body.length, body.length]);
    expect(seen).toEqual({ opened: 1, living: 0 });
  });

  test("do not wait for a reader that stalls: it goes on alone later, with every byte", async () => {
    const { opener, seen } = createFakeOpener();
    const shared = shareDownloads(opener, systemClock, limits);
    const [fast, slow] = await Promise.all([shared.open("http://a/", never()), shared.open("http://a/", never())]);
    const begun = slow.body[Symbol.asyncIterator]();
    const first = await begun.next();
    expect((await readAll(fast)).equals(body)).toBe(true);
    expect(seen.opened).toBe(1);
    const rest: Uint8Array[] = [first.value ?? Buffer.alloc(0)];
    for (let next = await begun.next(); next.done !== true; next = await begun.next()) rest.push(next.value);
    expect(Buffer.concat(rest).equals(body)).toBe(true);
    expect(slow.bytesRead).toBe(body.length);
    expect(seen).toEqual({ opened: 2, living: 0 });
  });

  test("are not joined once their beginning is gone, by size or by time", async () => {
    const { opener, seen } = createFakeOpener();
    const shared = shareDownloads(opener, systemClock, limits);
    const early = await shared.open("http://a/", never());
    const iterator = early.body[Symbol.asyncIterator]();
    for (let i = 0; i < 10; i += 1) await iterator.next();
    const late = await shared.open("http://a/", never());
    expect(seen.opened).toBe(2);
    expect((await readAll(late)).equals(body)).toBe(true);
    const brief = shareDownloads(opener, systemClock, { ...limits, joinWithinMs: 20 });
    const one = await brief.open("http://b/", never());
    await sleep(50);
    const two = await brief.open("http://b/", never());
    expect(seen.opened).toBe(4);
    for (const reader of [early, one, two]) reader.close();
    expect(seen.living).toBe(0);
  });

  test("end with their last reader, whether it was opening, waiting, reading or alone", async () => {
    const { opener, seen } = createFakeOpener();
    const shared = shareDownloads(opener, systemClock, limits);
    const giveUp = new AbortController();
    const opening = shared.open("http://a/", giveUp.signal);
    giveUp.abort();
    await expect(opening).rejects.toMatchObject({ code: "aborted" });
    const stop = new AbortController();
    const reading = await shared.open("http://b/", stop.signal);
    const iterator = reading.body[Symbol.asyncIterator]();
    await iterator.next();
    const waiting = iterator.next();
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: "aborted" });
    await expect(shared.open("http://c/", AbortSignal.abort())).rejects.toMatchObject({ code: "aborted" });
    expect(seen.living).toBe(0);
  });

  test("tell a failure to each reader only after the bytes that came before it", async () => {
    const { opener } = createFakeOpener(100 * KIB);
    const shared = shareDownloads(opener, systemClock, { ...limits, windowMaxBytes: 4096 * KIB });
    const readers = await Promise.all([0, 1].map(() => shared.open("http://a/", never())));
    await Promise.all(readers.map((reader) => expect(readAll(reader, 1)).rejects.toThrow("broken off")));
    expect(readers.map(({ bytesRead }) => bytesRead)).toEqual([100 * KIB, 100 * KIB]);
  });

  test("leave no listener on a signal that outlives them", async () => {
    const { opener } = createFakeOpener();
    const shared = shareDownloads(opener, systemClock, limits);
    const { signal } = new AbortController();
    let listening = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listening += 1;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listening -= 1;
      remove(...args);
    };
    for (let i = 0; i < 5; i += 1) await readAll(await shared.open("http://a/", signal));
    expect(listening).toBe(0);
  });

  test("are for the same URL only, and refuse what the opener refuses", async () => {
    const parts = { clock: systemClock, policy: { allowed: [] } };
    const fetchLimits = { redirectsMax: 0, connectTimeoutMs: 100, firstByteTimeoutMs: 100, stallTimeoutMs: 100 };
    const opener = createUrlOpener({ ...parts, limits: { ...fetchLimits, minimumBytesPerSecond: 0, sizeMaxBytes: 1 } });
    const shared = shareDownloads(opener, systemClock);
    expect(shared.check("http://10.0.0.1/")?.code).toBe("forbidden");
    await expect(shared.open("http://10.0.0.1/", never())).rejects.toMatchObject({ code: "forbidden" });
    await shared.close();
    await expect(shared.open("http://10.0.0.1/", never())).rejects.toMatchObject({ code: "aborted" });
  });
});
