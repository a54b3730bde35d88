import { describe, expect, it } from "vitest";
import { frequencyOf, level, shareAt } from "../../support/tone.js";
import { fixture, toneFiles } from "./fixtures.js";
import { channelOf, decodeAll } from "./harness.js";

const names = { mp3: "mp3", opus: "ogg-opus", vorbis: "ogg-vorbis", flac: "flac" } as Record<string, string>;
/** Only these do not say how much silence the encoder added. */
const isPadded = (name: string) => name.includes("noinfo");

describe("a compressed file", () => {
  it.each(toneFiles)("plays with its tones, level and exact length: $name", async (file) => {
    const audio = await decodeAll(fixture(file.name));
    const rateHz = file.codec === "opus" ? 48_000 : file.rateHz;
    expect(audio).toMatchObject({ format: names[file.codec], sampleRateHz: rateHz });
    expect(audio.channels).toBe(Math.min(2, file.channels));
    const frames = audio.samples.length / audio.channels;
    if (isPadded(file.name)) expect(frames).toBeGreaterThan((rateHz * file.milliseconds) / 1000);
    else expect(frames).toBe((rateHz * file.milliseconds) / 1000);
    const middle = [0.2, 0.8].map((part) => Math.round((part * rateHz * file.milliseconds) / 1000));
    const left = channelOf(audio, 0).slice(...middle);
    expect(Math.abs(frequencyOf(left, rateHz) - 1_000)).toBeLessThan(3);
    // Six channels are mixed down, so each side holds a second tone as well.
    expect(level(left) / (0.5 * Math.SQRT1_2)).toBeGreaterThan(file.channels > 2 ? 0.8 : 0.93);
    expect(level(left) / (0.5 * Math.SQRT1_2)).toBeLessThan(1.07);
    if (file.channels !== 2) return;
    const right = channelOf(audio, 1).slice(...middle);
    expect(Math.abs(frequencyOf(right, rateHz) - 1_500)).toBeLessThan(3);
    expect(shareAt(right, 1_500, rateHz)).toBeGreaterThan(0.9);
  });

  it.each(["mp3", "opus", "ogg", "flac"])("keeps a tone of 10 kHz at 48 kHz: %s", async (ending) => {
    const audio = await decodeAll(fixture(`high-48000-1.${ending}`));
    const middle = audio.samples.slice(4_800, 9_600);
    expect(Math.abs(frequencyOf(middle) - 10_000)).toBeLessThan(20);
    expect(level(middle) / (0.5 * Math.SQRT1_2)).toBeGreaterThan(0.93);
    expect(audio.samples.length).toBe(14_400);
  });

  it("comes in pieces of 100 ms at most", async () => {
    for (const { name } of toneFiles) {
      expect((await decodeAll(fixture(name))).pieceMaxMs).toBeLessThanOrEqual(100);
    }
  });

  it("begins and ends without a gap: the first and the last 10 ms of a tone sound", async () => {
    for (const { name, rateHz, codec } of toneFiles.filter(({ name, channels }) => channels < 3 && !isPadded(name))) {
      const left = channelOf(await decodeAll(fixture(name)), 0);
      const frames = Math.ceil((codec === "opus" ? 48_000 : rateHz) / 100);
      expect(level(left.slice(0, frames)), `first of ${name}`).toBeGreaterThan(0.15);
      expect(level(left.slice(-frames)), `last of ${name}`).toBeGreaterThan(0.15);
    }
  });

  it("says how long it is where its header does", async () => {
    for (const { name, codec, milliseconds } of toneFiles) {
      const known = codec === "flac" || (codec === "mp3" && !isPadded(name));
      expect((await decodeAll(fixture(name))).durationMs, name).toBe(known ? milliseconds : undefined);
    }
  });
});
